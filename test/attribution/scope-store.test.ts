/** From ids back to labels, with the addon's weak handles and without. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import type { Scope } from '../../src/attribution/scope.ts';
import { ids, ScopeStore } from '../../src/attribution/scope-store.ts';
import { addon } from '../../src/native.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;

const kinds = [
  { by: 'weak handles', native: addon },
  { by: 'weak references', native: undefined },
];

describe.each(kinds)('older scopes by $by', ({ native }) => {
  const opened: ScopeStore[] = [];
  function createStore(takeSeenIds: () => Iterable<number> = () => [], isHeld = () => false) {
    const store = new ScopeStore(takeSeenIds, isHeld, native);
    opened.push(store);
    return store;
  }
  afterEach(() => {
    for (const store of opened.splice(0)) store.close();
  });

  test('recent scopes are found by id, unknown ids are counted', () => {
    const store = createStore();
    const scope = store.open({ agent_name: 'a' });
    expect(scope.id).toBeGreaterThan(0);
    expect(store.labelsOf(scope.id)).toEqual({ agent_name: 'a' });
    expect(store.labelsOf(scope.id + 1)).toBeUndefined();
    expect(store.status()).toMatchObject({ opened: 1, lost: 1 });
  });

  test('a long-lived scope is found after a hundred thousand others', () => {
    const store = createStore();
    const scope = store.open({ agent_name: 'long' });
    for (let i = 0; i < 100_000; i++) store.open({ i });
    gc();
    expect(store.labelsOf(scope.id)).toEqual({ agent_name: 'long' });
  });

  test('every living scope is found, whichever place it has in its batch', async () => {
    const store = createStore();
    const kept: Scope[] = [];
    for (let i = 0; i < 20_000; i++) {
      const scope = store.open({ i });
      // Batches with all alive, with most, with few and with none.
      if (i < 2_000 || (i < 6_000 && i % 3 > 0) || i % 97 === 0) kept.push(scope);
    }
    for (let round = 0; round < 3; round++) {
      await sleep(1);
      gc();
      for (let i = 0; i < 5_000; i++) store.open({ i });
      store.release();
      for (const scope of kept) expect(store.scopeOf(scope.id)).toBe(scope);
    }
    expect(store.status()).toMatchObject({ lost: 0, evicted: 0 });
  });

  test('a scope that a sample has seen keeps its labels although nobody else holds it', async () => {
    const seen: number[] = [];
    const store = createStore(() => seen.splice(0));
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
    const store = createStore();
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
    expect(recent).toBeLessThanOrEqual(128);
    // One round of weak references may still wait to be swept.
    expect(older).toBeLessThan(60_000);
    expect(evicted).toBe(0);
    for (const scope of kept) expect(store.labelsOf(scope.id)).toBe(scope.labels);
  });

  test('ids begin anew and leave out those that live, are held or were seen', async () => {
    const before = ids.last;
    try {
      ids.last = 0;
      const seen: number[] = [];
      let held = 0;
      const store = new ScopeStore(
        () => seen.splice(0),
        (id) => id === held,
        native,
      );
      opened.push(store);
      const first = Array.from({ length: 1_500 }, (_, i) => store.open({ first: i }));
      const kept = first.filter((_, i) => i % 7 === 0);
      held = 200;
      seen.push(300);
      first.length = 0;
      // Where a segment of the ring begins: ids pass none by.
      ids.last = 2 ** 30 - 3_072 - 1;
      const last = Array.from({ length: 3_072 }, () => store.open({}));
      expect(last.at(-1)?.id).toBe(2 ** 30 - 1);
      await sleep(1);
      gc();
      const again = Array.from({ length: 5_000 }, (_, i) => store.open({ again: i }));
      const given = new Set(again.map(({ id }) => id));
      expect(given.size).toBe(5_000);
      expect(Math.min(...given)).toBe(2);
      for (const id of [0, 200, 300, ...kept.map((scope) => scope.id)]) {
        expect(given.has(id)).toBe(false);
      }
      gc();
      for (const scope of [...kept, ...again, ...last]) expect(store.scopeOf(scope.id)).toBe(scope);
      expect(store.labelsOf(300)).toEqual({ first: 299 });
      expect(store.status()).toMatchObject({ lost: 0, evicted: 0 });
    } finally {
      ids.last = before;
    }
  });

  test('a closed store holds nothing, and the next begins', () => {
    const store = createStore();
    const scopes = Array.from({ length: 5_000 }, (_, i) => store.open({ i }));
    expect(store.status().older).toBeGreaterThan(3_000);
    store.close();
    expect(store.status()).toMatchObject({ recent: 0, older: 0, seen: 0 });
    for (const { id } of scopes) expect(store.scopeOf(id)).toBeUndefined();
    const next = createStore();
    const more = Array.from({ length: 5_000 }, (_, i) => next.open({ i }));
    for (const scope of more) expect(next.scopeOf(scope.id)).toBe(scope);
  });
});

describe.skipIf(addon === undefined)('weak handles', () => {
  const { scopesHold, scopesFind, scopesHeld, scopesSweep, scopesClear } = addon ?? ({} as never);
  afterEach(() => scopesClear());

  test('a scavenge empties them', async () => {
    const kept: object[] = [];
    const hold = () => {
      const batch = Array.from({ length: 64 }, (_, i) => ({ id: i }));
      kept.push(...batch.slice(10, 12));
      scopesHold(0, ...batch);
    };
    hold();
    expect(scopesHeld()).toBe(64);
    gc({ type: 'minor' });
    expect(scopesHeld()).toBe(2);
    // Compared here: what is handed to `expect` may be kept by it.
    const found = () => [9, 10, 11, 12].map((id) => kept.indexOf(scopesFind(id) ?? {}));
    expect(found()).toEqual([-1, 0, 1, -1]);
    scopesSweep();
    gc();
    expect(found()).toEqual([-1, 0, 1, -1]);
    kept.length = 0;
    await sleep(1);
    gc();
    expect(scopesHeld()).toBe(0);
  });

  test('what a sample has seen stays until it is labelled, although it dies before', async () => {
    const { cpuStart, cpuStop, cpuSeenScopes, slotArray } = addon ?? ({} as never);
    const slot = slotArray();
    const store = new ScopeStore(() => cpuSeenScopes() ?? []);
    // Nobody holds them afterwards.
    const openOthers = () => {
      for (let i = 0; i < 2_000; i++) store.open({ i });
    };
    const openOne = () => store.open({ agent_name: 'sampled' }).id;
    const collect = async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(1);
        gc({ type: 'minor' });
        gc();
      }
    };
    const [sampled, missed] = [openOne(), openOne()];
    openOthers();
    cpuStart(1_000, 4_096);
    try {
      slot[0] = sampled;
      const begin = process.cpuUsage();
      while (process.cpuUsage(begin).user < 50_000);
      slot[0] = 0;
      await collect();
      expect(store.scopeOf(missed)).toBeUndefined();
      expect(store.labelsOf(sampled)).toEqual({ agent_name: 'sampled' });
      store.keepSeen();
      store.release();
      await collect();
      expect(store.scopeOf(sampled)).toBeUndefined();
    } finally {
      slot[0] = 0;
      cpuStop();
    }
  });

  test('beyond their bound the oldest go, also where ids have begun anew', () => {
    const batch = Array.from({ length: 64 }, (_, i) => ({ i }));
    const batches = (1024 * 1024) / 64;
    const first = 2 ** 30 - 64 * 100;
    const idOf = (n: number) => (first + n * 64) % 2 ** 30;
    for (let n = 0; n < batches; n++) expect(scopesHold(idOf(n), ...batch)).toBe(0);
    expect(scopesHeld()).toBe(1024 * 1024);
    expect(scopesHold(idOf(batches), ...batch)).toBe(64);
    expect(scopesFind(idOf(0))).toBeUndefined();
    expect(scopesFind(idOf(1) + 63)).toBe(batch[63]);
    for (let n = 1; n <= 200; n++) expect(scopesHold(idOf(batches + n), ...batch)).toBe(64);
    expect(scopesFind(idOf(200))).toBeUndefined();
    expect(scopesFind(idOf(201))).toBe(batch[0]);
  });
});
