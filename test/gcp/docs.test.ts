/** docs/google-cloud-profiler.md against the sources. */
import { expect, test } from 'vitest';
import { ERRORS, messageOf } from '../../src/errors.ts';
import { BACKOFF } from '../../src/export/gcp/backoff.ts';
import { GcpOnline } from '../../src/export/gcp/online.ts';
import { SERVER_TYPES } from '../../src/export/gcp/types.ts';
import { fenced, read, section, tableRows } from '../docs/pages.ts';
import { caFile } from './server.ts';

const page = read('docs/google-cloud-profiler.md');

test('the types are those of the code', () => {
  const rows = tableRows(section(page, '## What is sent')).map(([ours = '', theirs = '']) => [
    ours.replaceAll('`', ''),
    theirs.replaceAll('`', ''),
  ]);
  expect(Object.fromEntries(rows)).toEqual(SERVER_TYPES);
});

test('the status shown has the fields of a real one, its states and its message', () => {
  const shown = JSON.parse(fenced(page, 'json')[0] ?? '') as Record<string, unknown>;
  const gcp = new GcpOnline({
    settings: {
      endpoint: 'https://localhost',
      target: 'a',
      projectId: 'a',
      zone: 'a',
      version: undefined,
      profileTypes: [],
      filter: [],
      profileLabels: {},
      caFile,
    },
    record: () => ({ end: () => new Map() }),
    report: () => {},
  });
  expect(Object.keys(shown)).toEqual(Object.keys(gcp.status()));
  for (const code of Object.keys(shown['dropped'] ?? {})) expect(ERRORS).toHaveProperty(code);
  expect(shown['lastError']).toBe(
    messageOf('GCP_UPLOAD_FAILED', { reason: '503: The service is currently unavailable.' }),
  );
  gcp.stop();
  expect(page).toContain(`\`${gcp.status().state}\``);
});

test('the waits are those of the code', () => {
  expect(BACKOFF).toEqual({ firstMillis: 60_000, factor: 1.3, capMillis: 3_600_000 });
  expect(page).toContain('wait up to a minute, 1.3 times more each time, an hour at most');
});
