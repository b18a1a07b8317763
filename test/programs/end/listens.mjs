// A service that ends by itself when asked to.
const timer = setInterval(() => {
  const begin = Date.now();
  while (Date.now() - begin < 5);
}, 10);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.on(signal, () => {
    console.log(`got ${signal}`);
    clearInterval(timer);
    process.exitCode = 7;
  });
}
console.log('ready');
