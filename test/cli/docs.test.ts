/**
 * The output in docs/cli.md is what the commands print. `UPDATE_DOCS=1 npx vitest run test/cli/docs`
 * writes it anew.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { encode } from '../../src/profile/encode.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';
import { root, withFolder } from '../helpers/programs.ts';
import { spanprof } from './spanprof.ts';

const page = join(root, 'docs/cli.md');
const comments = ['service=checkout', 'host=web-1', 'pid=42'];
const MINUTE_NANOS = 60_000_000_000n;
const startNanos = BigInt(Date.UTC(2026, 10, 21, 10, 15)) * 1_000_000n;

const cpu = (text: string, minute: bigint) =>
  profileFromText(text, { comments, timeNanos: startNanos + minute * MINUTE_NANOS });
const profiles = {
  '20261121T101500.000Z-checkout-42-cpu.pb.gz': cpu(
    `
    stack            handle@src/server.ts:20+12   handle@src/server.ts:20+12   handle@src/server.ts:24+12   (program)          
                     plan@src/planner.ts:40+31    plan@src/planner.ts:44+31    render@src/page.ts:9+5
                     parse@src/parse.ts:8+3
    samples/count    120                          30                           40                           10
    cpu/nanoseconds  1200000000                   300000000                    400000000                    100000000
    labels           agent_name=planner           agent_name=planner           agent_name=writer            -
                     tool_name=search
    `,
    0n,
  ),
  '20261121T101600.000Z-checkout-42-cpu.pb.gz': cpu(
    `
    stack            handle@src/server.ts:20+12   handle@src/server.ts:24+12   (program)          
                     plan@src/planner.ts:40+31    render@src/page.ts:9+5
                     parse@src/parse.ts:8+3
    samples/count    70                           40                           12
    cpu/nanoseconds  700000000                    400000000                    120000000
    labels           agent_name=planner           agent_name=writer            -
                     tool_name=search
    `,
    1n,
  ),
  '20261121T101600.000Z-checkout-42-heap.pb.gz': cpu(
    `
    stack                handle@src/server.ts:20+12   handle@src/server.ts:24+12
                         plan@src/planner.ts:40+31    render@src/page.ts:9+5
    inuse_objects/count  2048                         16
    inuse_space/bytes    4194304                      65536
    labels               agent_name=planner           agent_name=writer
    `,
    1n,
  ),
};

test(
  'docs/cli.md shows what the commands print',
  () =>
    withFolder(async (cwd) => {
      mkdirSync(join(cwd, 'profiles'));
      for (const [name, profile] of Object.entries(profiles)) {
        writeFileSync(join(cwd, 'profiles', name), gzipSync(encode(profile)));
      }
      writeFileSync(join(cwd, 'notes.txt'), 'Not a profile.\n');
      const written = readFileSync(page, 'utf8');
      let expected = written;
      let commands = 0;
      for (const [block] of written.matchAll(/^```console\n.*?^```$/gms)) {
        const parts: string[] = [];
        for (const [, command = ''] of block.matchAll(/^\$ spanprof (.*)$/gm)) {
          const { stdout, stderr } = await spanprof(command.split(' '), { cwd });
          parts.push(`$ spanprof ${command}\n${stdout}${stderr}`);
          commands++;
        }
        expected = expected.replace(block, () => `\`\`\`console\n${parts.join('')}\`\`\``);
      }
      expect(commands).toBeGreaterThanOrEqual(10);
      if (process.env['UPDATE_DOCS'] === '1') writeFileSync(page, expected);
      else expect(written).toBe(expected);
    }),
  60_000,
);
