// What libraries that clean up on exit do: listen, count the others, and if there are none remove
// their listeners and send the signal again.
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
for (const signal of signals) {
  const listener = () => {
    if (process.listenerCount(signal) !== 1) return;
    console.log(`cleaned up after ${signal}`);
    process.removeListener(signal, listener);
    process.kill(process.pid, signal);
  };
  process.on(signal, listener);
}
setInterval(() => {
  const begin = Date.now();
  while (Date.now() - begin < 5);
}, 10);
console.log('ready');
