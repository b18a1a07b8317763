/** The pages as text: bounded, safe whatever the profile says, and only what the profile holds. */
import { describe, expect, test } from 'vitest';
import { buildTree, functionTable, sumsByLabel } from '../../src/pages/assets/call-tree.js';
import { change, percent, quantity } from '../../src/pages/assets/quantity.js';
import { flamegraphDocument, flamegraphPage } from '../../src/pages/flamegraph.ts';
import { pageProfile } from '../../src/pages/profile-data.ts';
import { statusDocument } from '../../src/pages/status.ts';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { PERIOD_TYPES, SAMPLE_TYPES } from '../../src/profile/model.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';

const PROFILE = profileFromText(`
  stack            main                main               main               idle
                   plan@/srv/a.ts:12   plan@/srv/a.ts:14  write@/srv/b.ts:3
                   parse                                  parse
  samples/count    3                   2                  1                  4
  cpu/nanoseconds  30                  20                 10                 40
  labels           agent_name=x        agent_name=x       agent_name=y       -
                   tool_name=t
`);

const data = pageProfile(PROFILE, 'a title');
const options = { column: 1, groupBy: ['agent_name'], filters: [] };

describe('the tree that is drawn', () => {
  test('has the groups on top, and lines of one function together', () => {
    const root = buildTree(data, options);
    expect(root.total).toBe(100);
    expect([...root.children.values()].map(({ name, total }) => [name, total])).toEqual([
      ['x', 50],
      ['y', 10],
      ['no agent', 40],
    ]);
    const plan = [...(root.children.get('agent_name=x')?.children.values() ?? [])][0]?.children;
    expect([...(plan?.values() ?? [])].map(({ name, total, self }) => [name, total, self])).toEqual(
      [['plan', 50, 20]],
    );
  });

  test('filters, and compares', () => {
    const filters = [{ key: 'agent_name', value: 'x', negated: true }];
    expect(buildTree(data, { ...options, filters }).total).toBe(50);
    const none = [{ key: 'tool_name', value: undefined, negated: false }];
    expect(buildTree(data, { ...options, filters: none }).total).toBe(70);
    const root = buildTree(data, options, data);
    expect([root.total, root.before]).toEqual([100, 100]);
  });

  test('sums by label and by function', () => {
    expect(sumsByLabel(data, 1, 'agent_name', [])).toEqual([
      ['x', 50],
      [undefined, 40],
      ['y', 10],
    ]);
    const table = functionTable(buildTree(data, { ...options, groupBy: [] }));
    expect(table.find(({ name }) => name === 'parse')).toMatchObject({ self: 40, total: 40 });
    expect(table.find(({ name }) => name === 'main')).toMatchObject({ self: 0, total: 60 });
  });
});

test('figures read well', () => {
  expect(
    [1_234_567_890, 12_345_678, 999, 0].map((value) => quantity(value, 'nanoseconds')),
  ).toEqual(['1.23 s', '12.3 ms', '999 ns', '0']);
  expect(quantity(1536, 'bytes')).toBe('1.50 KiB');
  expect(quantity(1234567, 'count')).toBe('1,234,567');
  expect([percent(1, 3), percent(1, 3000), percent(0, 0)]).toEqual(['33 %', '0.03 %', '0 %']);
  expect([change(10, 12), change(0, 5), change(4, 2), change(7, 7)]).toEqual([
    '+20 %',
    'new',
    '−50 %',
    '±0 %',
  ]);
});

describe('a page', () => {
  test('of the largest profile stays below 4 MB, and says what was left out', () => {
    const builder = new ProfileBuilder({
      ...{ profileType: 'cpu', sampleTypes: SAMPLE_TYPES.cpu, periodType: PERIOD_TYPES.cpu },
      ...{ period: 1, timeNanos: 1n, durationNanos: 1n, comments: [] },
    });
    for (let i = 0; i < 200_000; i++) {
      const top = builder.stack(-1, builder.frame(`main${i % 50}`, 'a.js', 1));
      const leaf = builder.stack(top, builder.frame(`f${i % 40_000}`, 'a.js', 2));
      builder.add(leaf, builder.labelSet({ span_id: `s${i % 5_000}` }), 1, 1 + (i % 97));
    }
    const profile = builder.build();
    const html = flamegraphPage(profile, { title: 'large' });
    expect(html.length).toBeLessThan(4_000_000);
    const shown = pageProfile(profile, 'large');
    expect(shown.leftOut.join()).toMatch(/span_id left out: 5000 values/);
    // What is cut back goes to the caller: the total stays what it was, as long as samples fit.
    const sum = (values: readonly number[] | undefined) => values?.reduce((a, b) => a + b, 0);
    expect(sum(shown.samples.values[1])).toBe(sum(profile.samples.values[1]));
  });

  test('cannot be broken out of by names and labels', () => {
    const evil = '</script><script>alert(1)</script><!--';
    const builder = new ProfileBuilder({ ...PROFILE, comments: [`host=${evil}`] });
    builder.add(
      builder.stack(-1, builder.frame(evil, `${evil}.js`, 1)),
      builder.labelSet({ [evil]: evil }),
      1,
      1,
    );
    const html = flamegraphPage(builder.build(), { title: evil });
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain('alert(1)</script><!--<');
    expect(html).not.toContain('<!--');
    expect(statusDocument(evil, { [evil]: evil }).html.match(/<script/g)).toHaveLength(1);
  });

  test('has no way to another host, and its policy names its own script and style', () => {
    const { html, policy } = flamegraphDocument(PROFILE, { title: 'a', theme: 'dark' });
    expect(html).toContain('<html lang="en" data-theme="dark">');
    expect(policy).toMatch(
      /script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'none'/,
    );
    const links = html
      .replace(/http:\/\/www\.w3\.org\/2000\/svg/g, '')
      .match(/https?:\/\/[^\s"']+/g);
    expect(links).toBeNull();
    expect(html.length).toBeLessThan(300 * 1024);
  });
});
