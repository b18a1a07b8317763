import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Scope } from '../../src/attribution/scope.ts';
import { ScopeStore } from '../../src/attribution/scope-store.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

test('recent scopes are found by id, unknown ids are counted', () => {
  const store = new ScopeStore(() => []);
  const scope = store.open({ agent_name: 'a' });
  expect(scope.id).toBeGreaterThan(0);
  expect(store.labelsOf(scope.id)).toEqual({ agent_name: 'a' });
  expect(store.labelsOf(scope.id + 1)).toBeUndefined();
  expect(store.status()).toMatchObject({ opened: 1, lost: 1 });
});

test('a long-lived scope is found after a hundred thousand others', () => {
  const store = new ScopeStore(() => []);
  const scope = store.open({ agent_name: 'long' });
  for (let i = 0; i < 100_000; i++) store.open({ i });
  expect(store.labelsOf(scope.id)).toEqual({ agent_name: 'long' });
});

test('a scope that a sample has seen keeps its labels although nobody else holds it', async () => {
  const seen: number[] = [];
  const store = new ScopeStore(() => seen.splice(0));
  seen.push(store.open({ agent_name: 'seen' }).id);
  const [id = 0] = seen;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 20_000; i++) store.open({ i });
    await sleep(1);
    gc();
  }
  expect(store.labelsOf(id)).toEqual({ agent_name: 'seen' });
  store.release();
  expect(store.status().seen).toBe(0);
});

test('what is held does not grow with the number of scopes opened', async () => {
  const store = new ScopeStore(() => []);
  const kept: Scope[] = [];
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 25_000; i++) {
      const scope = store.open({ i });
      if (i % 25_000 === 0) kept.push(scope);
    }
    await sleep(0);
    gc();
  }
  const { opened, recent, older, evicted } = store.status();
  expect(opened).toBe(1_000_000);
  expect(recent).toBeLessThanOrEqual(8_192);
  // One round of weak references may still wait to be swept.
  expect(older).toBeLessThan(60_000);
  expect(evicted).toBe(0);
  for (const scope of kept) expect(store.labelsOf(scope.id)).toBe(scope.labels);
});
