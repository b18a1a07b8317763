/** The generated pages are those on disk, and what they show works. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderConfiguration, renderErrors } from '../../scripts/render-docs.mjs';
import { OPTIONS } from '../../src/config/schema.ts';
import { KEPT_TABLES, TELEMETRY_KEYS } from '../../src/config/telemetry.ts';
import { ERRORS } from '../../src/errors.ts';
import { load } from './workspace.ts';

const onDisk = (name: string) =>
  readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

const configuration = renderConfiguration({
  options: OPTIONS,
  telemetryKeys: TELEMETRY_KEYS,
  keptTables: KEPT_TABLES,
});
const HOW = 'run: npm run build && node scripts/generate-docs.mjs';

test('docs/configuration.md follows the schema', () => {
  expect(onDisk('configuration.md'), HOW).toBe(configuration);
});

test('docs/errors.md follows the error table', () => {
  expect(onDisk('errors.md'), HOW).toBe(renderErrors(ERRORS));
});

test('every option, variable and telemetry key is in the page', () => {
  for (const { path, variable, tomlPath, option } of OPTIONS) {
    for (const name of [path, variable, tomlPath, ...(option.honours ?? [])]) {
      expect(configuration).toContain(`\`${name}\``);
    }
    expect(configuration).toContain(option.doc);
  }
  for (const { name } of TELEMETRY_KEYS) expect(configuration).toContain(`\`${name}\``);
});

const examples = [...onDisk('configuration.md').matchAll(/```toml\n(.*?)```/gs)].map(
  ([, text]) => text ?? '',
);

test('the example by option path sets every option and loads', () => {
  const toml = examples[0] ?? '';
  const env = { PYROSCOPE_TOKEN: 't1', PYROSCOPE_PASSWORD: 't2', ENDPOINT_TOKEN: 't3' };
  const { config, problems } = load({ toml, env });
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    serviceName: 'checkout',
    labels: { team: 'search', region: 'eu' },
    exporters: ['file', 'pyroscope'],
    pyroscope: { endpoint: 'http://localhost:4040', token: 't1', password: 't2' },
    endpoint: { port: 6060, socket: '/run/spanprof.sock', token: 't3' },
  });
  for (const { tomlPath } of OPTIONS) {
    const table = tomlPath.includes('.') ? tomlPath.slice(0, tomlPath.indexOf('.')) : '';
    const key = tomlPath.slice(tomlPath.indexOf('.') + 1);
    const body =
      table === '' ? toml.split('\n[')[0] : toml.split(`[${table}]\n`)[1]?.split('\n[')[0];
    expect(`\n${body}`, tomlPath).toContain(`\n${key} = `);
  }
});

test('the example by telemetry names sets every key and loads', () => {
  const toml = examples[1] ?? '';
  const { config, problems, cwd } = load({ toml });
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    enabled: true,
    serviceName: 'checkout',
    windowSeconds: 30,
    heap: { intervalBytes: 524_288, allocs: false },
    exporters: ['pyroscope'],
    file: { directory: `${cwd}/profiles` },
  });
  for (const { name } of TELEMETRY_KEYS) {
    expect(toml).toContain(`\n${name.slice(name.lastIndexOf('.') + 1)} = `);
  }
  expect(examples).toHaveLength(2);
});
