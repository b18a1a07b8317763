/**
 * Writes profiles with the exporter of the module given, for file-process.test.ts.
 *
 *     node file-writer.mjs <module of FileExporter> <directory> forever | exit
 *
 * `forever`: three profiles at once, then one synchronously, again and again until it is killed.
 * `exit`: begins to write, then exits at once; what was begun is finished in the exit handler.
 */
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const [, , modulePath = '', directory = '', mode = ''] = process.argv;
const { FileExporter } = await import(pathToFileURL(modulePath).href);
const exporter = new FileExporter({
  directory,
  maxFiles: 20,
  maxBytes: 1e9,
  report: (message) => console.error(message),
});

// Random bytes do not compress: a file cut anywhere cannot be gunzipped whole.
const contents = [1_000, 60_000, 2_000_000].map((size) => gzipSync(randomBytes(size)));
const startMillis = Date.now();
const profile = (at, profileType) => ({
  profileType,
  startMillis: startMillis + at,
  endMillis: startMillis + at,
  serviceName: 'writer',
  processId: process.pid,
  threadId: undefined,
  pprof: contents[at % contents.length],
});

if (mode === 'forever') {
  for (let at = 0; ; at += 1) {
    await Promise.all(['cpu', 'wall', 'heap'].map((type) => exporter.export(profile(at, type))));
    exporter.exportSync(profile(at, 'allocs'));
    if (at === 0) console.log('ready');
  }
}

const begun = [2, 5, 8].map((at) => profile(at, 'cpu'));
process.on('exit', () => {
  for (const each of begun) exporter.exportSync(each);
  exporter.exportSync(profile(11, 'heap'));
});
for (const each of begun) exporter.export(each);
// At another moment of the writing in each run.
setTimeout(() => process.exit(0), Math.random() * 8);
