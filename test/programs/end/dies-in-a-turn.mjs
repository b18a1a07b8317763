// Dies of SIGTERM while a window turns over: when the first of its profiles is handed over.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const zlib = createRequire(import.meta.url)('node:zlib');
const { gzip } = zlib;
zlib.gzip = (...args) => {
  process.kill(process.pid, 'SIGTERM');
  return gzip(...args);
};
syncBuiltinESMExports();

globalThis.kept = Array.from({ length: 200_000 }, (_, i) => ({ number: i, text: `row ${i}` }));
let x = 0;
setInterval(() => {
  for (let i = 0; i < 1e6; i++) x = x * 1.0001 + 1;
}, 20);
