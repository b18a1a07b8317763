// Prints in every handler that runs while a program ends, and ends with a code set on the way.
const rows = [];
const end = performance.now() + 1_500;
while (performance.now() < end) {
  rows.push(JSON.stringify({ n: rows.length }));
  if (rows.length > 10_000) rows.length = 0;
}
let rounds = 0;
process.on('beforeExit', (code) => {
  console.log(`beforeExit ${code}, round ${++rounds}`);
  if (rounds === 1) setTimeout(() => console.log('one more timer'), 20);
  if (rounds === 2) process.exitCode = 9;
});
process.on('exit', (code) => {
  console.log(`exit ${code}, exitCode ${process.exitCode}`);
  process.stdout.write('no newline at the end');
  process.once('exit', () => console.log('never printed'));
});
console.log(`listeners for SIGTERM: ${process.listenerCount('SIGTERM')}`);
queueMicrotask(() => console.log('microtask'));
process.nextTick(() => console.log('tick'));
setImmediate(() => console.log('immediate'));
