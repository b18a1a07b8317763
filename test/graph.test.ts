import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSources, rows, violations } from './helpers/imports.ts';
import { root } from './helpers/programs.ts';

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const dependencies = [manifest.dependencies, manifest.peerDependencies].flatMap((map) =>
  Object.keys(map ?? {}),
);
const sources = readSources(join(root, 'src'));

test('imports in src/ go one way', () => {
  expect(violations(sources, dependencies)).toEqual([]);
});

test('the sources were found', () => {
  expect([...sources.keys()]).toEqual(
    expect.arrayContaining(['native.ts', 'errors.ts', 'profile/model.ts']),
  );
  expect(rows.flat().length).toBe(new Set(rows.flat()).size);
});

describe('the check itself finds', () => {
  const check = (files: Record<string, string>) =>
    violations(new Map(Object.entries({ 'errors.ts': '', 'agent.ts': '', ...files })), ['pprof']);

  test('nothing wrong with imports that go down', () => {
    expect(
      check({
        'agent.ts': `import { a } from './cpu/a.ts'; await import('./export/b.ts');`,
        'cpu/a.ts': `import fs from 'node:fs'; import p from 'pprof/x'; export * from '../errors.ts';`,
        'cpu/c.ts': `import type { A } from './a.ts';`,
        'export/b.ts': `import { c } from '../cpu/c.ts';`,
        'native.ts': `createRequire(import.meta.url)(folder + '/spanprof.node');`,
      }),
    ).toEqual([]);
  });

  test.each([
    ['an arrow up', { 'cpu/a.ts': `import '../agent.ts';` }, 'agent is not below cpu'],
    [
      'a type-only arrow up',
      { 'cpu/a.ts': `import type { A } from '../agent.ts';` },
      'agent is not below cpu',
    ],
    [
      'a dynamic arrow up',
      { 'cpu/a.ts': `await import('../agent.ts');` },
      'agent is not below cpu',
    ],
    [
      'a required arrow up',
      { 'cpu/a.ts': `const { a } = require('../agent.js');` },
      'agent is not below cpu',
    ],
    [
      'an arrow to a neighbour',
      { 'memory/a.ts': `export * from '../attribution/b.ts';`, 'attribution/b.ts': '' },
      'attribution is not below memory',
    ],
    ['a room without a place', { 'attic/a.ts': '' }, 'room attic has no place'],
    ['a missing file', { 'cpu/a.ts': `import './b.js';` }, './b.js is not a file'],
    ['a package that is no dependency', { 'cpu/a.ts': `import 'vitest';` }, 'vitest is not a'],
    [
      'OpenTelemetry outside of otel',
      { 'cpu/a.ts': `import '@opentelemetry/api';` },
      'only otel may import @opentelemetry/api',
    ],
    ['an addon loaded elsewhere', { 'cpu/a.ts': `load('x.node');` }, 'only native.ts may load'],
    [
      'a cycle within a room',
      {
        'cpu/a.ts': `import './b.ts';`,
        'cpu/b.ts': `import './c.ts';`,
        'cpu/c.ts': `import './b.ts';`,
      },
      'cycle: cpu/b.ts → cpu/c.ts → cpu/b.ts',
    ],
  ])('%s', (_name, files, message) => {
    expect(check(files)).toEqual(expect.arrayContaining([expect.stringContaining(message)]));
  });
});
