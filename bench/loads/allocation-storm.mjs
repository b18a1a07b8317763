/** (d) An allocation storm: documents parsed, sorted and written, some hundred MB a second; a part is kept. */
import { repeat, wrap } from './meter.mjs';

const document = JSON.stringify(
  Array.from({ length: 400 }, (_, i) => ({ i, text: `row ${i}`, list: [i, i + 1] })),
);
const kept = [];
async function operation() {
  const rows = JSON.parse(document);
  await null;
  rows.sort((a, b) => b.i - a.i);
  const text = JSON.stringify(rows.map((row) => ({ ...row, tag: `t${row.i}` })));
  kept.push(rows.slice(0, 40));
  if (kept.length > 500) kept.splice(0, 100);
  return text.length;
}
await repeat((i) => wrap({ agent_name: i % 2 === 0 ? 'planner' : 'writer' }, operation));
