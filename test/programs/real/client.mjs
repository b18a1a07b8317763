// Sends a fixed set of requests, several at a time, and prints a summary of the answers that
// depends on nothing but their content.
import { createHash } from 'node:crypto';

const [base, rounds] = [process.argv[2], Number(process.argv[3])];
const requests = [
  (i) => ['/sort', { count: 5_000 + (i % 10) * 100 }],
  () => ['/hello'],
  () => ['/stream'],
  () => ['/broken'],
  () => ['/sort', { count: 0 }],
  () => ['/nowhere'],
];
const concurrency = 8;
const answers = [];
let next = 0;

async function send() {
  for (let i = next++; i < rounds * requests.length; i = next++) {
    const [path, body] = requests[i % requests.length](i);
    const response = await fetch(base + path, {
      method: body ? 'POST' : 'GET',
      ...(body ? { headers: { 'content-type': 'application/json' } } : {}),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    answers[i] =
      `${path} ${response.status} ${response.headers.get('content-type')} ${await response.text()}`;
  }
}

await Promise.all(Array.from({ length: concurrency }, send));
const statuses = {};
for (const answer of answers) {
  const status = answer.split(' ')[1];
  statuses[status] = (statuses[status] ?? 0) + 1;
}
console.log(JSON.stringify({ answers: answers.length, statuses }));
console.log(createHash('sha256').update(answers.join('\n')).digest('hex'));
