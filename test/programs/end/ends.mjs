// Ends in the way it is told, after some work and with an exit listener of its own.
process.on('exit', (code) => console.log(`exit ${code}`));
const begin = Date.now();
while (Date.now() - begin < 120);
const ways = {
  naturally: () => {},
  'with exitCode': () => {
    process.exitCode = 5;
  },
  'by exit': () => process.exit(3),
  'by exit in a promise': () => Promise.resolve().then(() => process.exit(4)),
  'by exit in a timer': () => setTimeout(() => process.exit(6), 20),
  'by an uncaught exception': () => {
    throw new Error('thrown');
  },
  'by an uncaught exception in a timer': () => {
    setTimeout(() => {
      throw new Error('thrown late');
    }, 20);
  },
  'by an unhandled rejection': () => Promise.reject(new Error('rejected')),
  'by exit in an exit listener': () => process.on('exit', () => process.exit(9)),
};
ways[process.argv[2]]();
