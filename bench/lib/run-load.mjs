/** One load under one variant, once: a process for the load, where needed one for its client, a sink. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { CLIENT_CORE, launch, MEASURED_CORE } from './process.mjs';
import { openSink } from './sink.mjs';

/** A run takes some 6 s on the machine this was written on. */
const TIMEOUT_MILLIS = 60_000;
const UPLOAD_TRIES = 50;

/**
 * @param {object} cell
 * @param {import('../loads/loads.mjs').Load} cell.load
 * @param {import('../variants/variants.mjs').Variant} cell.variant
 * @param {number} cell.major
 * @param {number} cell.count
 * @param {number} cell.windowSeconds
 * @param {number} cell.warmUpMillis
 * @param {Record<string, string>} [cell.env]
 * @param {number} [cell.core]
 */
export async function runLoad({
  load,
  variant,
  major,
  count,
  windowSeconds,
  warmUpMillis,
  env = {},
  core = MEASURED_CORE,
}) {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const sink = await openSink();
  const node = nodeBinary(major);
  const client =
    load.connections === undefined
      ? undefined
      : launch({
          node: process.execPath,
          args: [join(root, 'bench/lib/client.mjs')],
          core: CLIENT_CORE,
          timeoutMillis: TIMEOUT_MILLIS,
        });
  let measured;
  try {
    const setting = { major, windowSeconds, folder, sink: sink.url };
    const llmPort = (await client?.message('ready'))?.llmPort ?? 0;
    measured = launch({
      node,
      args: [
        ...(variant.args?.(setting) ?? []),
        join(root, `bench/${load.folder ?? 'loads'}/${load.name}.mjs`),
      ],
      cwd: folder,
      core,
      timeoutMillis: TIMEOUT_MILLIS,
      env: {
        BENCH_ADAPTER: variant.adapter,
        BENCH_COUNT: String(count),
        BENCH_FOLDER: folder,
        BENCH_LLM_PORT: String(llmPort),
        BENCH_SINK: sink.url,
        BENCH_SPANS: variant.spans === true ? 'on' : 'off',
        BENCH_WARM_UP_MILLIS: String(warmUpMillis),
        BENCH_WINDOW_SECONDS: String(windowSeconds),
        ...variant.env?.(setting),
        ...env,
      },
    });
    const result = measured.message('result');
    result.catch(() => {});
    if (client !== undefined) {
      const { port } = await measured.message('listening');
      client.send({ type: 'go', port, connections: load.connections, body: load.body });
    }
    const { type: _, ...figures } = await result;
    let latency;
    if (client !== undefined) {
      client.send({ ...figures, type: 'report' });
      const { type: __, ...rest } = await client.message('latency');
      latency = rest;
    }
    // A busy process may have it under way still.
    for (let i = 0; variant.uploads === true && sink.seen.uploads === 0; i++) {
      if (i === UPLOAD_TRIES) throw new Error('sent no profile');
      await sleep(100);
    }
    return { ...figures, latency, uploads: sink.seen.uploads };
  } finally {
    await Promise.all([measured?.kill(), client?.kill()]);
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
