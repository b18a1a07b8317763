// Too short to be asked for a profile, long enough to have one.
const end = performance.now() + 300;
while (performance.now() < end) Math.sqrt(end);
console.log('done');
