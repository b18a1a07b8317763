/**
 * Writes docs/configuration.md and docs/errors.md from the schema and the error table of the compiled
 * sources.
 *
 *     npm run build && node scripts/generate-docs.mjs           writes them
 *     npm run build && node scripts/generate-docs.mjs --check   exits 1 if they differ
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { OPTIONS } from '../.cache/modules/config/schema.js';
import { KEPT_TABLES, TELEMETRY_KEYS } from '../.cache/modules/config/telemetry.js';
import { ERRORS } from '../.cache/modules/errors.js';
import { renderConfiguration, renderErrors } from './render-docs.mjs';

const pages = {
  'docs/configuration.md': renderConfiguration({
    options: OPTIONS,
    telemetryKeys: TELEMETRY_KEYS,
    keptTables: KEPT_TABLES,
  }),
  'docs/errors.md': renderErrors(ERRORS),
};

const isCheck = process.argv.includes('--check');

for (const [name, text] of Object.entries(pages)) {
  const file = new URL(`../${name}`, import.meta.url);
  if (!isCheck) {
    writeFileSync(file, text);
  } else if (readIfThere(file) !== text) {
    console.error(`${name} differs from the source; run node scripts/generate-docs.mjs`);
    process.exitCode = 1;
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
