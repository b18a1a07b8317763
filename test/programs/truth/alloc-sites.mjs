/**
 * Three sites allocate counted amounts, each for an owner of its own and in turns: small objects and
 * arrays that die at once, records that are kept. Prints what was allocated, in bytes, as JSON.
 *
 *     node alloc-sites.mjs <megabytes for each site>
 */
import { getHeapStatistics } from 'node:v8';
import { run, start, status, stop } from 'spanprof';

const megabytes = Number(process.argv[2] ?? 60);
const ROUNDS = 200;

class Row {
  constructor(i) {
    this.a = i;
    this.b = i;
    this.c = i;
    this.d = i;
    this.e = i;
    this.f = i;
    this.g = i;
    this.h = i;
    this.i = i;
    this.j = i;
    this.k = i;
    this.l = i;
  }
}
// What is allocated goes through here, so that no compiler finds out that nobody needs it.
const recent = new Array(64).fill(undefined);
const kept = [];

function site_points(n) {
  for (let i = 0; i < n; i++) recent[i & 63] = { x: i, y: i, z: i };
}
function site_blocks(n) {
  for (let i = 0; i < n; i++) recent[i & 63] = new Array(128).fill(i);
}
function site_rows(n) {
  const rows = new Array(n);
  for (let i = 0; i < n; i++) rows[i] = new Row(i);
  kept.push(rows);
}
/**
 * A built-in function calls the site: V8 shows what happens in an inlined function at its caller, and
 * this way there is none.
 */
const called = (site) => (count) => void [count, count].sort(site);
const sites = {
  points: called(site_points),
  blocks: called(site_blocks),
  rows: called(site_rows),
};

/**
 * Bytes of one round of `count`, by V8's own counter, which is exact while nothing is collected. An
 * object is larger until V8 has seen some of its kind.
 */
function sizeOf(allocate, count) {
  for (let i = 0; i < 200; i++) allocate(200);
  const seen = [];
  for (let i = 0; i < 31; i++) {
    const before = getHeapStatistics().used_heap_size;
    allocate(count);
    seen.push(getHeapStatistics().used_heap_size - before);
  }
  return seen.sort((a, b) => a - b)[15];
}
const sizes = {};
for (const [owner, allocate] of Object.entries(sites)) {
  const each = [101, 1].map((count) => sizeOf(allocate, count));
  sizes[owner] = (each[0] - each[1]) / 100;
}
kept.length = 0;

await start();
const allocated = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [owner, allocate] of Object.entries(sites)) {
    const count = Math.round((megabytes * 1e6) / ROUNDS / sizes[owner]);
    allocated[owner] = (allocated[owner] ?? 0) + count * sizes[owner];
    run({ agent_name: owner }, allocate, count);
    await null;
  }
}
const { heap } = status();
await stop();
console.log(JSON.stringify({ allocated, sizes, heap, kept: kept.length }));
