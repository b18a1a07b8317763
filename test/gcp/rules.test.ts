import { expect, test } from 'vitest';
import { Backoff } from '../../src/export/gcp/backoff.ts';
import { readAssignment, readRetryAfter, readServerError } from '../../src/export/gcp/replies.ts';
import { fitLabels, isProjectId, isTarget, suggestTarget } from '../../src/export/gcp/rules.ts';
import { milliseconds } from '../../src/units.ts';
import { statusBody } from './server.ts';

test.each([
  ['a', true],
  ['check-out_2.eu', true],
  ['1st', true],
  ['a'.repeat(255), true],
  ['a'.repeat(256), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['Checkout', false],
  ['unknown_service:node', false],
  ['@shop/web', false],
  ['über', false],
  ['a\n', false],
])('service name %j: %s', (name, isRight) => {
  expect(isTarget(name)).toBe(isRight);
});

test.each([
  ['@Shop/Check Out', 'shop-check-out'],
  ['unknown_service:node', 'unknown_service-node'],
  ['x'.repeat(300), 'x'.repeat(255)],
  ['日本', ''],
])('for the service name %j, %j would do', (name, suggestion) => {
  expect(suggestTarget(name)).toBe(suggestion);
  expect(suggestion === '' || isTarget(suggestion)).toBe(true);
});

test.each([
  ['my-project', true],
  ['123456789', true],
  ['example.com:my-project', true],
  ['a/b', false],
  ['..', false],
  ['a..b', false],
  ['a?b', false],
  ['A', false],
])('project %j: %s', (id, isRight) => {
  expect(isProjectId(id)).toBe(isRight);
});

test('label names become what the server takes', () => {
  expect(fitLabels({ 'service.version': '1', Team_Name: 'x', n: 3, '--a--': '' })).toEqual({
    labels: { 'service-version': '1', 'team-name': 'x', n: '3', a: '' },
    leftOut: [],
  });
});

test('labels without a name, with the same name, or beyond the room are named', () => {
  const given = {
    a_b: '1',
    'a.b': '2',
    '--': '3',
    big: 'ü'.repeat(300),
    more: 'x'.repeat(510),
    c: '4',
  };
  const { labels, leftOut } = fitLabels(given);
  expect(leftOut).toEqual(['a.b', '--', 'more']);
  expect(labels).toEqual({ 'a-b': '1', big: 'ü'.repeat(256), c: '4' });
  // Cut where a character ends.
  expect(fitLabels({ k: `a${'ü'.repeat(300)}` }).labels['k']).toBe(`a${'ü'.repeat(255)}`);
});

test('a name of an object’s own machinery is a label like any other', () => {
  const { labels } = fitLabels({ constructor: 'x', ['__proto__']: 'y' });
  expect(Object.entries(labels)).toEqual([
    ['constructor', 'x'],
    ['proto', 'y'],
  ]);
});

test.each([
  ['10s', 10_000],
  ['0.001s', 1],
  ['0.0000001s', 1],
  ['1.500s', 1_500],
  ['999999999999s', 86_400_000],
  ['0s', undefined],
  ['-1s', undefined],
  ['Infinitys', undefined],
  ['1e3s', undefined],
  ['10', undefined],
  ['10ms', undefined],
  [' 10s', undefined],
  [10, undefined],
  [null, undefined],
  [{}, undefined],
])('a retryDelay of %j is %s ms', (delay, millis) => {
  expect(readServerError(statusBody(409, 'ABORTED', 'x', delay)).retryMillis).toBe(millis);
});

test('the first RetryInfo that says something counts', () => {
  const details = [null, 'x', { retryDelay: '0s' }, { retryDelay: '2s' }, { retryDelay: '9s' }];
  expect(readServerError({ error: { details } }).retryMillis).toBe(2_000);
});

test.each([
  [undefined],
  [null],
  ['x'],
  [[]],
  [{ error: 'invalid_grant' }],
  [{ error: { details: 1 } }],
])('an error of the form %j says nothing', (reply) => {
  expect(readServerError(reply)).toEqual({ message: undefined, retryMillis: undefined });
});

test.each([
  ['5', 5_000],
  ['0', undefined],
  ['-1', undefined],
  ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, millis) => {
  expect(readRetryAfter(header)).toBe(millis);
});

test('an assignment keeps the duration as the server wrote it', () => {
  const reply = { name: 'projects/p/profiles/x', profileType: 'HEAP_ALLOC', duration: '10.000s' };
  expect(readAssignment(reply, ['cpu', 'allocs'])).toEqual({
    name: reply.name,
    profileType: 'allocs',
    durationMillis: 10_000,
    duration: '10.000s',
  });
  expect(readAssignment(reply, ['cpu'])).toEqual({
    fault: 'profile type "HEAP_ALLOC" was not offered',
  });
});

test('backoff grows to its cap, never beyond, and starts anew', () => {
  const options = { firstMillis: milliseconds(100), factor: 2, capMillis: milliseconds(1_000) };
  const backoff = new Backoff(options);
  const largest = Math.max(...Array.from({ length: 300 }, () => backoff.next()));
  expect(largest).toBeLessThanOrEqual(1_000);
  expect(largest).toBeGreaterThan(500);
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(100);
});
