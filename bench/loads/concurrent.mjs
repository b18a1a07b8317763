/** (f) 2,000 invocations open at the same time: each waits for three model calls and computes in between. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, serve, wrap } from './meter.mjs';

/** With 2,000 connections some 4,000 requests a second. */
const WAIT_MILLIS = 160;
const document = JSON.stringify(Array.from({ length: 30 }, (_, i) => ({ i, text: `row ${i}` })));

async function invoke(i) {
  let size = 0;
  for (let call = 0; call < 3; call++) {
    await sleep(WAIT_MILLIS);
    const rows = JSON.parse(document);
    await null;
    size += JSON.stringify(rows.map((row) => ({ ...row, call, i }))).length;
  }
  return { size };
}

let requests = 0;
serve(
  createServer((request, response) => {
    request.resume();
    const i = requests++;
    wrap({ agent_name: `agent-${i % 5}`, session_id: `s${i % 200}` }, async () => {
      response.end(JSON.stringify(await invoke(i)));
      done();
    });
  }),
);
