// Bundles rollup's own modules into one file on stdout.
import { fileURLToPath } from 'node:url';

export default {
  input: fileURLToPath(new URL('../../../node_modules/rollup/dist/es/rollup.js', import.meta.url)),
  external: (id) => !/^[./]/.test(id) || id.endsWith('/native.js'),
  output: { format: 'es', inlineDynamicImports: true },
};
