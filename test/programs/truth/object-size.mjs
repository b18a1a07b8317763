import { getHeapStatistics } from 'node:v8';

/**
 * Bytes of one object that `allocate(count)` makes, by V8's own counter, which is exact while nothing
 * is collected.
 */
export function sizeOf(allocate) {
  return (bytesOf(allocate, 101) - bytesOf(allocate, 1)) / 100;
}

function bytesOf(allocate, count) {
  const seen = [];
  for (let i = 0; i < 31; i++) {
    const before = getHeapStatistics().used_heap_size;
    allocate(count);
    seen.push(getHeapStatistics().used_heap_size - before);
  }
  return seen.sort((a, b) => a - b)[15];
}
