// Sleeps in native code, out of reach of JavaScript.
import { execFileSync } from 'node:child_process';

const begin = Date.now();
while (Date.now() - begin < 50);
console.log('ready');
execFileSync('sleep', ['20']);
