// Forgives the first signal, not the second.
process.once('SIGTERM', () => console.log('first'));
process.once('SIGINT', () => console.log('first'));
process.once('SIGHUP', () => console.log('first'));
setInterval(() => {
  const begin = Date.now();
  while (Date.now() - begin < 5);
}, 10);
console.log('ready');
