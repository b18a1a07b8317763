// Never comes back to the event loop.
console.log('ready');
let x = 0;
for (;;) x = x * 1.0001 + 1;
