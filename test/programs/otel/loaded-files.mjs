/** Says how many files of OpenTelemetry the process has loaded, and whether its API registry exists. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const files = Object.keys(require.cache).filter((file) => file.includes('@opentelemetry')).length;
const isRegistered = globalThis[Symbol.for('opentelemetry.js.api.1')] !== undefined;
console.log(JSON.stringify({ files, isRegistered }));
