// A service without listeners: busy a little, for ever.
setInterval(() => {
  const begin = Date.now();
  while (Date.now() - begin < 5);
}, 10);
console.log('ready');
