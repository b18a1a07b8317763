/** Folded stacks, speedscope, differences and flame graphs: the same drawn profiles seen in each way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'cheerio';
import { describe, expect, it } from 'vitest';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { diff } from '../../src/profile/diff.ts';
import { flamegraphSvg } from '../../src/profile/flamegraph-svg.ts';
import { folded } from '../../src/profile/folded.ts';
import type { Profile } from '../../src/profile/model.ts';
import { speedscope } from '../../src/profile/speedscope.ts';
import { top } from '../../src/profile/top.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { root } from '../helpers/programs.ts';
import { randomProfile, totalsOf } from '../helpers/random-profile.ts';

const before = profileFromText(`
  stack            main@app.ts:9    main@app.ts:9   main@app.ts:12  (idle)
                   plan@a.ts:12     plan@a.ts:13    parse@b.ts:3
  samples/count    3                2               1               4
  cpu/nanoseconds  30               20              10              40
  labels           agent_name=x     agent_name=y    agent_name=x    -
                   tool_name=t
`);
const after = profileFromText(`
  stack            main@app.ts:9    main@app.ts:9   main@app.ts:12  (idle)
                   plan@a.ts:12     plan@a.ts:13    write@b.ts:8
  samples/count    5                2               1               1
  cpu/nanoseconds  50               20              10              10
  labels           agent_name=x     agent_name=y    agent_name=x    -
                   tool_name=t
`);

/** A stack of this many frames, one sample of 7 on its leaf. */
function deepProfile(depth: number): Profile {
  const { functions, locations, stacks, labelSets, samples, ...header } = before;
  const builder = new ProfileBuilder(header);
  let stack = -1;
  for (let level = 0; level < depth; level++) {
    stack = builder.stack(stack, builder.frame(`f${level % 3}`, 'a.ts', 1, 1));
  }
  builder.add(stack, builder.labelSet({}), 1, 7);
  return builder.build();
}

describe('folded', () => {
  it('merges stacks by function whatever the line', () => {
    expect(folded(before)).toBe('(idle) 40\nmain;parse 10\nmain;plan 50\n');
    expect(folded(before, { valueType: 'samples' })).toContain('main;plan 5\n');
  });

  it('puts labels on top where asked for', () => {
    expect(folded(before, { groupBy: ['agent_name', 'tool_name'] }).split('\n')).toEqual([
      '(idle) 40',
      'agent_name=x;main;parse 10',
      'agent_name=x;tool_name=t;main;plan 30',
      'agent_name=y;main;plan 20',
      '',
    ]);
  });

  it('keeps names within their place in the line, and the sum', () => {
    const { functions, locations, stacks, labelSets, samples, ...header } = before;
    const builder = new ProfileBuilder(header);
    for (const file of ['a.ts', 'b.ts']) {
      const stack = builder.stack(-1, builder.frame('odd;name\nof two', file, 1));
      builder.add(stack, 0, 1, 3);
    }
    builder.labelSet({});
    expect(folded(builder.build())).toBe('odd:name of two 6\n');
  });

  it('is empty for an empty profile and walks any depth', () => {
    expect(folded(profileFromText('stack\nsamples/count\ncpu/nanoseconds'))).toBe('');
    expect(folded(deepProfile(50_000)).split(';')).toHaveLength(50_000);
  });

  it('loses nothing of random profiles', () => {
    for (let seed = 0; seed < 20; seed++) {
      const profile = randomProfile(seed, 40);
      const lines = folded(profile).split('\n').slice(0, -1);
      const sum = lines.reduce((all, line) => all + Number(line.slice(line.lastIndexOf(' '))), 0);
      expect(sum, `seed ${seed}`).toBe(totalsOf(profile).at(-1));
    }
  });
});

describe('speedscope', () => {
  const schema = JSON.parse(
    readFileSync(join(root, 'test/fixtures/speedscope/file-format-schema.json'), 'utf8'),
  ) as object;
  const isValid = new Ajv({ strict: false }).compile(schema);

  it('follows the published schema, with one profile per value', () => {
    const file = JSON.parse(speedscope(before, { title: 'checkout', groupBy: ['agent_name'] }));
    expect(isValid(file), JSON.stringify(isValid.errors)).toBe(true);
    expect(isValid({ ...file, profiles: [{}] })).toBe(false);
    expect(file.name).toBe('checkout');
    const [counts, nanos] = file.profiles;
    expect([counts.unit, nanos.unit, file.activeProfileIndex]).toEqual(['none', 'nanoseconds', 1]);
    const shown = nanos.samples.map((path: number[], sample: number) => {
      const names = path.map((frame) => file.shared.frames[frame].name);
      return `${names.join(';')} ${nanos.weights[sample]}`;
    });
    expect(shown.sort()).toEqual([
      '(idle) 40',
      'agent_name=x;main;parse 10',
      'agent_name=x;main;plan 30',
      'agent_name=y;main;plan 20',
    ]);
    expect(nanos.endValue).toBe(100);
  });

  it('is valid for random and for empty profiles', () => {
    for (let seed = 0; seed < 20; seed++) {
      const file = JSON.parse(speedscope(randomProfile(seed, 30)));
      expect(isValid(file), `seed ${seed} ${JSON.stringify(isValid.errors)}`).toBe(true);
    }
  });
});

describe('diff', () => {
  it('is what the other has more, signed, without what is equal', () => {
    expect(samplesOf(diff(before, after))).toEqual([
      '(idle) | - | -3 -30',
      'main;parse | agent_name=x | -1 -10',
      'main;plan | agent_name=x tool_name=t | 2 20',
      'main;write | agent_name=x | 1 10',
    ]);
    expect(diff(before, before).samples.stack).toEqual([]);
  });

  it('turns round with its operands and adds up to the difference of the totals', () => {
    const there = totalsOf(diff(before, after));
    expect(totalsOf(diff(after, before))).toEqual(there.map((value) => -value));
    expect(there).toEqual([-1, -10]);
  });

  it('can be shown by the other views', () => {
    const change = diff(before, after);
    expect(folded(change)).toBe('(idle) -30\nmain;parse -10\nmain;plan 20\nmain;write 10\n');
    expect(top(change, 1).map(({ name, flat, cum }) => `${name} ${flat} ${cum}`)).toEqual([
      '(idle) -30 -30',
      'plan 20 20',
      'parse -10 -10',
      'write 10 10',
      'main 0 20',
    ]);
  });

  it('refuses profiles of different kinds, and differences', () => {
    const heap = profileFromText(`
      stack                main
      inuse_objects/count  1
      inuse_space/bytes    1
    `);
    expect(() => diff(before, heap)).toThrow('cannot be put together');
    expect(() => diff(diff(before, after), before)).toThrow('is a difference already');
  });
});

describe('flamegraphSvg', () => {
  const boxes = (svg: string) =>
    load(svg, { xml: true })('g')
      .toArray()
      .map((group) => {
        const $ = load(group, { xml: true });
        return [
          $('title').text().replace('\n', ' | '),
          $('rect').attr('class'),
          Math.round(Number($('rect').attr('width'))),
        ];
      });

  it('draws every frame in proportion, with its figures', () => {
    const svg = flamegraphSvg(before, { title: 'cpu of <checkout>', groupBy: ['agent_name'] });
    expect(boxes(svg)).toEqual(
      [
        ['all | 100ns, 100%', 'root', 1180],
        ['(idle) | 40ns, 40.00%', 'runtime', 472],
        ['agent_name=x | 40ns, 40.00%', 'label', 472],
        ['agent_name=y | 20ns, 20.00%', 'label', 236],
        ['main app.ts | 40ns, 40.00%', 'own', 472],
        ['main app.ts | 20ns, 20.00%', 'own', 236],
        ['plan a.ts | 30ns, 30.00%', 'own', 354],
        ['parse b.ts | 10ns, 10.00%', 'own', 118],
        ['plan a.ts | 20ns, 20.00%', 'own', 236],
      ].map(([title, look, width]) => [title, look, expect.closeTo(Number(width), -1)]),
    );
    expect(svg).toContain('<title>cpu of &lt;checkout&gt;</title>');
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(svg.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/<script|https?:/);
  });

  it('shows what changed in colour and in words', () => {
    const drawn = boxes(flamegraphSvg(after, { title: 'change', base: before }));
    const looks = drawn.map(([title, look]) => `${title}: ${look}`);
    expect(looks).toContain('plan a.ts | 70ns, 77.78%; before 50ns: more');
    expect(looks).toContain('(idle) | 10ns, 11.11%; before 40ns: less');
    expect(looks).toContain('write b.ts | 10ns, 11.11%; before 0: more');
    expect(looks).toContain('main app.ts | 80ns, 88.89%; before 60ns: more');
  });

  it('is sound XML of bounded size for hostile names, depth and number', () => {
    for (let seed = 0; seed < 10; seed++) {
      const svg = flamegraphSvg(randomProfile(seed, 40), { title: '\u0000 \ud800 <&">' });
      expect(load(svg, { xml: true })('svg > title').text()).toBe('\ufffd \ufffd <&">');
    }
    const deep = flamegraphSvg(deepProfile(10_000), { title: 'deep' });
    expect(deep).toContain('1 frames too narrow or too deep to show');
    expect(deep.length).toBeLessThan(500_000);
    const empty = profileFromText('stack\nsamples/count\ncpu/nanoseconds');
    expect(flamegraphSvg(empty, { title: 'empty' })).toContain('cpu: 0');
  });
});
