// Two agents that burn CPU, two to one, and a stretch outside of any scope. Compiled by the test.
import { run } from 'spanprof';

interface Leg {
  readonly from: number;
  readonly to: number;
}

const kept: Leg[] = [];

export function planRoute(millis: number): number {
  const end = performance.now() + millis;
  let legs = 0;
  while (performance.now() < end) {
    // Seldom: while the collector's helpers work, time passes that is not this thread's CPU time.
    if (legs++ % 500 === 0) kept.push({ from: legs, to: legs % 7 });
  }
  return legs;
}

export function summarize(millis: number): number {
  const end = performance.now() + millis;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

export function idleTalk(millis: number): number {
  const end = performance.now() + millis;
  let words = 0;
  while (performance.now() < end) words = (words * 31 + 7) % 65_537;
  return words;
}

for (let round = 0; round < 6; round++) {
  await run(
    { agent_name: 'planner', tool_name: 'maps', session_id: 's-1', attempt: round },
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      planRoute(200);
    },
  );
  await run({ agent_name: 'writer', trace_id: '0af7651916cd43dd8448eb211c80319c' }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    summarize(100);
  });
  await new Promise((resolve) => setTimeout(resolve, 1));
  idleTalk(50);
}
console.log(`kept ${kept.length > 0}`);
