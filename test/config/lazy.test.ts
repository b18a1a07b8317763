import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { load } from './workspace.ts';

const isParserLoaded = () =>
  Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('smol-toml'));

test('the TOML parser is loaded only for a file', () => {
  load({ options: { windowSeconds: 5 }, env: { SPANPROF_WALL: 'off' } });
  expect(isParserLoaded()).toBe(false);
  load({ toml: 'window_seconds = 5' });
  expect(isParserLoaded()).toBe(true);
});
