/**
 * Three sites allocate counted amounts, each for an owner of its own and in turns: small objects and
 * arrays that die at once, rows that are kept. Prints what was allocated, in bytes, as JSON.
 *
 *     node alloc-sites.mjs <megabytes for each site, about>
 */
import { run, start, status, stop } from 'spanprof';
import { sizeOf } from './object-size.mjs';

const megabytes = Number(process.argv[2] ?? 24);
const ROUNDS = 200;

// Of classes: V8 makes literals larger until the function that makes them is optimized.
class Point {
  constructor(i) {
    this.x = i;
    this.y = i;
    this.z = i;
  }
}
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
const block = new Array(128).fill(0);
// What is allocated goes through here, so that no compiler finds out that nobody needs it.
const recent = new Array(64).fill(undefined);
const kept = [];

function site_points(n) {
  for (let i = 0; i < n; i++) recent[i & 63] = new Point(i);
}
function site_blocks(n) {
  for (let i = 0; i < n; i++) recent[i & 63] = block.slice();
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
  points: { allocate: called(site_points), expectedSize: 48 },
  blocks: { allocate: called(site_blocks), expectedSize: 1072 },
  rows: { allocate: called(site_rows), expectedSize: 128 },
};

await start();
const counts = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const [owner, { allocate, expectedSize }] of Object.entries(sites)) {
    const count = Math.round((megabytes * 1e6) / ROUNDS / expectedSize);
    counts[owner] = (counts[owner] ?? 0) + count;
    run({ agent_name: owner }, allocate, count);
    await null;
  }
}
const { heap } = status();
await stop();
const allocated = {};
for (const [owner, { allocate }] of Object.entries(sites)) {
  allocated[owner] = counts[owner] * sizeOf(allocate);
}
console.log(JSON.stringify({ allocated, counts, heap, kept: kept.length }));
