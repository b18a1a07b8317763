import fs from 'node:fs';
import inspector from 'node:inspector';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SourceMaps } from '../../src/sourcemaps/source-maps.ts';
import { bundle, compile, PROGRAM, positionOf, temporaryFolder, write } from './compile.ts';

const MIB = 1024 * 1024;
const require = createRequire(import.meta.url);

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

/** Asks for a text of the generated file and expects the place of a text in the source. */
function expectMapped(maps: SourceMaps, generated: string, text: string, source: string): void {
  const from = positionOf(generated, text);
  expect(maps.resolve(generated, from.line, from.column)).toEqual({
    file: source,
    ...positionOf(source, text),
  });
}

/** A script of one line whose map says: all of it is line 3, column 5 of `source`. */
function scriptWithMap(name: string, source: string, extra: object = {}): string {
  const map = { version: 3, sources: [source], names: [], mappings: 'AAEI', ...extra };
  write(folder, `${name}.map`, JSON.stringify(map));
  return write(folder, name, `work();\n//# sourceMappingURL=${path.basename(name)}.map\n`);
}

describe('maps of real compilers', () => {
  test('a file compiled by TypeScript, with its map beside it', () => {
    const source = write(folder, 'program.ts', PROGRAM);
    const generated = compile(source);
    const maps = new SourceMaps();
    expectMapped(maps, generated, 'order.items * order.price', source);
    expectMapped(maps, generated, 'totalOf(order), 0', source);
    expect(maps.stats()).toMatchObject({
      loaded: 1,
      failed: 0,
      skipped: 0,
      missing: 0,
      cachedMaps: 1,
    });
    expect(maps.stats().cachedBytes).toBeGreaterThan(100);
  });

  test.each([
    ['short', ''],
    [
      'longer than the tail that is read',
      `export const text = ${JSON.stringify('é'.repeat(40_000))};\n`,
    ],
    ['longer than one step back', `export const text = ${JSON.stringify('x'.repeat(400_000))};\n`],
  ])('a map within the file: %s', (_, more) => {
    const source = write(folder, 'program.ts', PROGRAM + more);
    const generated = compile(source, { inlineSourceMap: true, inlineSources: true });
    expect(fs.existsSync(`${generated}.map`)).toBe(false);
    expectMapped(new SourceMaps(), generated, 'order.items * order.price', source);
  });

  test('a map within the file, whatever its length modulo what is read at once', () => {
    // Moves the start of the comment over the edge of the 8 KiB tail, byte by byte.
    const map = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAEI' };
    for (let padding = 6_000; padding < 6_100; padding += 1) {
      const json = Buffer.from(JSON.stringify({ ...map, file: 'x'.repeat(padding) }));
      const script = write(
        folder,
        `${padding}.js`,
        `work();\n//# sourceMappingURL=data:application/json;base64,${json.toString('base64')}`,
      );
      expect(new SourceMaps().resolve(script, 1, 1)?.line, `padding ${padding}`).toBe(3);
    }
  });

  test('a map within the file as percent-encoded text', () => {
    const json = JSON.stringify({ version: 3, sources: ['ä.ts'], names: [], mappings: 'AAEI' });
    const script = write(
      folder,
      'a.js',
      `work();\n//# sourceMappingURL=data:application/json;charset=utf-8,${encodeURIComponent(json)}\n`,
    );
    expect(new SourceMaps().resolve(script, 1, 1)).toEqual({
      file: `${folder}/ä.ts`,
      line: 3,
      column: 5,
    });
  });

  test('a bundle of several modules, each position in its own module', async () => {
    const one = write(folder, 'src/one.mjs', 'export function one() {\n  return Math.sin(1);\n}\n');
    const two = write(
      folder,
      'src/deep/two.mjs',
      "import { one } from '../one.mjs';\n\n\nexport const two = () => one() + Math.cos(2);\n",
    );
    const generated = await bundle(two, `${folder}/dist/bundle.cjs`);
    const maps = new SourceMaps();
    expectMapped(maps, generated, 'Math.sin(1)', one);
    expectMapped(maps, generated, 'Math.cos(2)', two);
  });

  test('functions as V8 reports them in a profile, with the names a bundler changed', async () => {
    const busy =
      'let sum = 0; for (let i = 0; i < 3e6; i += 1) sum += Math.sqrt(i) % 3; return sum;';
    const one = write(
      folder,
      'one.mjs',
      `function busy() { ${busy} }\nexport const one = () => busy();\n`,
    );
    const two = write(
      folder,
      'two.mjs',
      `import { one } from './one.mjs';\n\nfunction busy() { ${busy} }\n` +
        'export class Hot {\n  method() { return busy() + one(); }\n}\n' +
        'export const arrow = () => new Hot().method();\n',
    );
    const generated = await bundle(two, `${folder}/bundle.cjs`);
    // Rollup keeps one `busy` and calls the other `busy$1`.
    expect(fs.readFileSync(generated, 'utf8')).toContain('function busy$1');
    const { arrow } = require(generated) as { arrow: () => number };

    const nodes = profile(() => arrow(), generated);
    const maps = new SourceMaps();
    const seen = new Map<string, unknown>();
    for (const { functionName, lineNumber, columnNumber } of nodes) {
      const position = maps.resolve(
        pathToFileURL(generated).href,
        lineNumber + 1,
        columnNumber + 1,
        functionName,
      );
      seen.set(functionName, { file: position?.file, line: position?.line, name: position?.name });
    }
    expect(seen.get('busy$1')).toEqual({ file: one, line: 1, name: 'busy' });
    expect(seen.get('busy')).toEqual({ file: two, line: 3, name: undefined });
  });

  test('a script compiled while it was loaded, when Node keeps its map', () => {
    const source = write(folder, 'program.ts', PROGRAM);
    const output = path.join(folder, 'elsewhere.js');
    compile(source, { inlineSourceMap: true }, output);
    const text = fs.readFileSync(output, 'utf8');
    fs.rmSync(output);
    const Module = require('node:module') as new (
      id: string,
    ) => {
      _compile(code: string, file: string): void;
    };
    const from = positionOf(write(folder, 'copy.js', text), 'order.items * order.price');
    process.setSourceMapsEnabled(true);
    try {
      new Module(source)._compile(text, source);
      const maps = new SourceMaps();
      expect(maps.resolve(source, from.line, from.column)).toEqual({
        file: source,
        ...positionOf(source, 'order.items * order.price'),
      });
      expect(maps.stats().loaded).toBe(1);
    } finally {
      process.setSourceMapsEnabled(false);
    }
    expect(new SourceMaps().resolve(source, from.line, from.column)).toBeUndefined();
  });
});

describe('names', () => {
  // The identifier `b` at column 9 is called `original`; column 10 is the bracket after it.
  const names = { names: ['original'], mappings: 'AAAA,SAASA,CAAE' };

  test('given where the identifier ends at the position and fits V8 name', () => {
    const script = scriptWithMap('a.js', 'a.ts', names);
    const maps = new SourceMaps();
    expect(maps.resolve(script, 1, 11, 'b')).toEqual({
      file: `${folder}/a.ts`,
      line: 1,
      column: 12,
      name: 'original',
    });
  });

  test('not given otherwise', () => {
    const script = scriptWithMap('a.js', 'a.ts', names);
    const maps = new SourceMaps();
    for (const [column, functionName] of [
      [11, undefined],
      [11, ''],
      [11, 'bb'],
      [10, 'b'],
      [11, 'much too long a name for this column'],
      [0, 'b'],
    ] as const) {
      const found = maps.resolve(script, 1, column, functionName);
      expect(found?.file).toBe(`${folder}/a.ts`);
      expect(found).not.toHaveProperty('name');
    }
  });
});

describe('where files are', () => {
  test('the same script by path, URL, URL with a query and escaped URL', () => {
    const script = scriptWithMap('a b.js', 'a.ts');
    fs.writeFileSync(script, 'work();\n//# sourceMappingURL=a%20b.js.map?v=2\n');
    const url = pathToFileURL(script).href;
    expect(url).toContain('a%20b.js');
    for (const file of [script, url, `${url}?t=123`, `${url}#x`]) {
      expect(new SourceMaps().resolve(file, 1, 1)).toEqual({
        file: `${folder}/a.ts`,
        line: 3,
        column: 5,
      });
    }
  });

  test.each([
    ['../src/a.ts', {}, '<parent>/src/a.ts'],
    ['a.ts', { sourceRoot: '/srv/app' }, '/srv/app/a.ts'],
    ['a.ts', { sourceRoot: '/srv/app/' }, '/srv/app/a.ts'],
    ['a.ts', { sourceRoot: 'sub/' }, '<folder>/sub/a.ts'],
    ['/abs/a.ts', { sourceRoot: '/srv/app' }, '/abs/a.ts'],
    ['a.ts', { sourceRoot: 'file:///srv/my%20app' }, '/srv/my app/a.ts'],
    ['file:///srv/my%20app/a.ts', {}, '/srv/my app/a.ts'],
    ['my%20dir/a.ts', {}, '<folder>/my dir/a.ts'],
    ['100%/a.ts', {}, '<folder>/100%/a.ts'],
    ['a.vue?vue&type=script', {}, '<folder>/a.vue'],
    ['webpack://app/./src/a.ts', {}, 'webpack://app/./src/a.ts'],
    ['webpack:///src/a.ts?1a2b', {}, 'webpack:///src/a.ts?1a2b'],
    ['node:internal', {}, 'node:internal'],
    ['C:\\work\\a.ts', {}, 'C:\\work\\a.ts'],
    ['C:/work/a.ts', { sourceRoot: '/srv' }, 'C:/work/a.ts'],
    ['..\\src\\a.ts', {}, '<parent>/src/a.ts'],
    ['file://%%%', {}, 'file://%%%'],
    ['', {}, '<folder>'],
  ])('source %j with %j is %s', (source, extra, expected) => {
    const script = scriptWithMap('a.js', source, extra);
    const file = expected.replace('<folder>', folder).replace('<parent>', path.dirname(folder));
    expect(new SourceMaps().resolve(script, 1, 1)?.file).toBe(file);
  });

  test.each([
    ['a.ts', { sourceRoot: 'https://example.com/app' }],
    ['https://example.com/a.ts', {}],
    ['http://example.com/a.ts', {}],
  ])(
    'source %j with %j is on the web: the generated file is the one that can be opened',
    (source, extra) => {
      const script = scriptWithMap('a.js', source, extra);
      expect(new SourceMaps().resolve(script, 1, 1)).toBeUndefined();
      expect(new SourceMaps().resolve(script, 1, 0)).toBeUndefined();
    },
  );

  test('a source that the map leaves out', () => {
    const script = scriptWithMap('a.js', 'a.ts', { sources: [null] });
    expect(new SourceMaps().resolve(script, 1, 1)).toBeUndefined();
  });

  test.each([
    'node:fs',
    'evalmachine.<anonymous>',
    '[eval]',
    '[eval1]',
    'wasm://wasm/0123abcd',
    'data:text/javascript,export{}',
    'https://example.com/app.js',
    'blob:nodedata:0123',
    'native array.js',
    'C:\\work\\app.js',
    'file:///C:/work/app.js',
    'file://server/share/app.js',
    'file:///%00.js',
    'file:///a%2Fb.js',
    'file:',
    'relative/app.js',
    '/no\0thing.js',
    '/proc/self/mem',
    '/',
    '',
  ])('a script named %j is no trouble', (file) => {
    const maps = new SourceMaps();
    for (let time = 0; time < 2; time += 1) expect(maps.resolve(file, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ loaded: 0, failed: 0, skipped: 0, missing: 0 });
  });

  test('positions that make no sense are no trouble', () => {
    const maps = new SourceMaps();
    const script = scriptWithMap('a.js', 'a.ts');
    for (const line of [0, -1, Number.NaN, 99, 2 ** 40, Number.POSITIVE_INFINITY]) {
      expect(maps.resolve(script, line, 1)).toBeUndefined();
    }
    for (const column of [1, 99, 2 ** 40, Number.POSITIVE_INFINITY]) {
      expect(maps.resolve(script, 1, column)?.line).toBe(3);
    }
    for (const column of [0, -1, Number.NaN]) {
      expect(maps.resolve(script, 1, column)).toEqual({
        file: `${folder}/a.ts`,
        line: 3,
        column: 0,
      });
    }
  });
});

describe('index maps', () => {
  const section = (source: string, line: number, column: number, mappings: string) => ({
    offset: { line, column },
    map: { version: 3, sources: [source], names: [], mappings },
  });

  test('each section answers for what begins in it', () => {
    const script = scriptWithMap('a.js', '', {
      sources: undefined,
      mappings: undefined,
      // Lines 1-2 from a.ts; b.ts begins on line 3, c.ts on the same line at column 11.
      sections: [
        section('a.ts', 0, 0, 'AAAA;AACA'),
        section('b.ts', 2, 0, 'AAAA'),
        section('c.ts', 2, 10, 'AAAA,IAAI;EACA'),
      ],
    });
    const maps = new SourceMaps();
    const at = (line: number, column: number) => {
      const found = maps.resolve(script, line, column);
      return found && `${path.basename(found.file)}:${found.line}:${found.column}`;
    };
    expect(at(1, 1)).toBe('a.ts:1:1');
    expect(at(2, 9)).toBe('a.ts:2:1');
    expect(at(3, 10)).toBe('b.ts:1:1');
    expect(at(3, 11)).toBe('c.ts:1:1');
    expect(at(3, 14)).toBe('c.ts:1:1');
    expect(at(3, 15)).toBe('c.ts:1:5');
    expect(at(4, 2)).toBeUndefined();
    expect(at(4, 3)).toBe('c.ts:2:5');
    expect(at(2, 0)).toBe('a.ts:2:0');
    expect(at(3, 0)).toBeUndefined(); // two sources on one line
    expect(at(4, 0)).toBe('c.ts:2:0');
  });

  test('sections within sections, and names at shifted columns', () => {
    const inner = {
      version: 3,
      sections: [
        {
          offset: { line: 0, column: 0 },
          map: { version: 3, sources: ['a.ts'], names: ['original'], mappings: 'SAASA,CAAE' },
        },
      ],
    };
    const script = scriptWithMap('a.js', '', {
      sources: undefined,
      mappings: undefined,
      sections: [{ offset: { line: 4, column: 100 }, map: inner }],
    });
    const maps = new SourceMaps();
    expect(maps.resolve(script, 5, 111, 'b')).toMatchObject({ line: 1, name: 'original' });
    expect(maps.resolve(script, 1, 111, 'b')).toBeUndefined();
    expect(maps.resolve(script, 5, 100)).toBeUndefined();
  });

  test('a section far beyond the file costs nothing', () => {
    const script = scriptWithMap('a.js', '', {
      sources: undefined,
      mappings: undefined,
      sections: [section('a.ts', 0, 0, 'AAAA'), section('b.ts', 2 ** 50, 0, 'AAAA')],
    });
    const maps = new SourceMaps();
    expect(maps.resolve(script, 1, 1)?.file).toBe(`${folder}/a.ts`);
    expect(maps.stats().cachedBytes).toBeLessThan(4_096);
  });
});

describe('the comment', () => {
  const map = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAEI' };
  test.each([
    ['//# sourceMappingURL=a.map', true],
    ['//@ sourceMappingURL=a.map', true],
    ['/*# sourceMappingURL=a.map */', true],
    ['end();//# sourceMappingURL=a.map', true],
    ['//# sourceMappingURL=a.map\r\n\r\n', true],
    ['//# sourceMappingURL=a.map\n// licence\n/* more */\n', true],
    ['//# sourceMappingURL=other.map\n//# sourceMappingURL=a.map', true],
    ['//# sourceMappingURL=a.map\nmore();', false],
    ['print("//# sourceMappingURL=a.map");', false],
    ['print("//# sourceMappingURL=" + name);', false],
    ['// see sourceMappingURL=a.map', false],
    ['//# sourceMappingURL=', false],
    ['', false],
  ])('%j', (comment, found) => {
    write(folder, 'a.map', JSON.stringify(map));
    const script = write(folder, 'a.js', `work();\n${comment}`);
    expect(new SourceMaps().resolve(script, 1, 1) !== undefined).toBe(found);
  });

  test('without one a map of the same name is not taken', () => {
    write(folder, 'a.js.map', JSON.stringify(map));
    const maps = new SourceMaps();
    expect(maps.resolve(write(folder, 'a.js', 'work();\n'), 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ loaded: 0, missing: 0, failed: 0 });
  });

  test('an absolute URL of a map', () => {
    const mapFile = write(folder, 'maps/a.map', JSON.stringify(map));
    const script = write(folder, 'a.js', `work();\n//# sourceMappingURL=${pathToFileURL(mapFile)}`);
    expect(new SourceMaps().resolve(script, 1, 1)?.file).toBe(`${folder}/maps/a.ts`);
  });

  test('the network is never asked', () => {
    const script = write(folder, 'a.js', 'work();\n//# sourceMappingURL=http://127.0.0.1:9/a.map');
    const maps = new SourceMaps();
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.stats().missing).toBe(1);
  });
});

describe('what is broken counts once and never throws', () => {
  test.each([
    ['no JSON', 'not json', 'JSON'],
    ['JSON cut off', '{"version":3,"sources":["a.ts"],"mappings":"AAAA', 'JSON'],
    ['an array', '[]', 'source map is not an object'],
    ['null', 'null', 'source map is not an object'],
    ['version 2', '{"version":2,"sources":[],"mappings":""}', 'not of version 3'],
    ['no mappings', '{"version":3,"sources":[]}', 'no mappings'],
    ['no sources', '{"version":3,"mappings":"AAAA"}', 'no sources'],
    ['bad mappings', '{"version":3,"sources":["a.ts"],"mappings":"!"}', 'malformed at byte 0'],
    ['sections without a list', '{"version":3,"sections":{}}', 'no list of sections'],
    [
      'a section without offset',
      '{"version":3,"sections":[{}]}',
      'section offset is not an object',
    ],
    [
      'a negative offset',
      '{"version":3,"sections":[{"offset":{"line":-1,"column":0},"map":{"version":3,"sources":[],"mappings":""}}]}',
      'without a valid offset',
    ],
    [
      'sections out of order',
      `{"version":3,"sections":[${[5, 4].map((line) => `{"offset":{"line":${line},"column":0},"map":{"version":3,"sources":[],"mappings":""}}`)}]}`,
      'sections out of order',
    ],
    [
      'sections without end',
      `${'{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":'.repeat(6)}{}${'}]}'.repeat(6)}`,
      'nested too deeply',
    ],
  ])('%s', (_, json, reason) => {
    write(folder, 'a.js.map', json);
    const script = write(folder, 'a.js', 'work();\n//# sourceMappingURL=a.js.map\n');
    const maps = new SourceMaps();
    for (let time = 0; time < 3; time += 1) expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ loaded: 0, failed: 1, cachedMaps: 0, cachedBytes: 0 });
    expect(maps.stats().lastError).toContain(`${script}: `);
    expect(maps.stats().lastError).toContain(reason);
  });

  test('a broken data URL', () => {
    for (const url of [
      'data:application/json',
      'data:application/json;base64,!!!',
      'data:,%E0%A4%A',
    ]) {
      const script = write(folder, 'a.js', `work();\n//# sourceMappingURL=${url}\n`);
      const maps = new SourceMaps();
      expect(maps.resolve(script, 1, 1)).toBeUndefined();
      expect(maps.stats().failed).toBe(1);
    }
  });

  test('JSON behind the guard that some servers put before it', () => {
    const script = scriptWithMap('a.js', 'a.ts');
    fs.writeFileSync(`${script}.map`, `)]}'\n${fs.readFileSync(`${script}.map`, 'utf8')}`);
    expect(new SourceMaps().resolve(script, 1, 1)?.line).toBe(3);
  });

  test('a map that is not there, or no file', () => {
    const maps = new SourceMaps();
    const script = write(folder, 'a.js', 'work();\n//# sourceMappingURL=gone.map\n');
    for (let time = 0; time < 3; time += 1) expect(maps.resolve(script, 1, 1)).toBeUndefined();
    fs.mkdirSync(`${folder}/folder.map`);
    const other = write(folder, 'b.js', 'work();\n//# sourceMappingURL=folder.map\n');
    expect(maps.resolve(other, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ missing: 2, failed: 0, loaded: 0 });
  });

  test('an answer that was no once stays no: the map appeared after the code was loaded', () => {
    const maps = new SourceMaps();
    const script = write(folder, 'a.js', 'work();\n//# sourceMappingURL=a.js.map\n');
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    scriptWithMap('a.js', 'a.ts');
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(new SourceMaps().resolve(script, 1, 1)?.line).toBe(3);
  });
});

describe('bounds', () => {
  test('a map above the size that is read is left out', () => {
    const script = scriptWithMap('a.js', 'a.ts');
    // A hole in the file: 33 MiB to the reader, nothing on the disk.
    fs.truncateSync(`${script}.map`, 33 * MIB);
    const maps = new SourceMaps();
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ skipped: 1, failed: 0, loaded: 0 });
  });

  test('a map within the file above that size too', () => {
    const json = JSON.stringify({ version: 3, sources: ['a.ts'], names: [], mappings: 'AAEI' });
    const url = `data:application/json;base64,${Buffer.from(json.padEnd(3_000)).toString('base64')}`;
    const script = write(folder, 'a.js', `work();\n//# sourceMappingURL=${url}`);
    const maps = new SourceMaps({ maxMapFileBytes: 3_000 });
    expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ skipped: 1, failed: 0, loaded: 0 });
    expect(new SourceMaps({ maxMapFileBytes: 8_000 }).resolve(script, 1, 1)?.line).toBe(3);
  });

  test('a map that alone exceeds the cache is left out, not read again and again', () => {
    const script = scriptWithMap('a.js', 'a.ts', { mappings: 'AAEI;'.repeat(10_000) });
    const maps = new SourceMaps({ maxBytes: 10_000 });
    for (let time = 0; time < 3; time += 1) expect(maps.resolve(script, 1, 1)).toBeUndefined();
    expect(maps.stats()).toMatchObject({ skipped: 1, loaded: 0, cachedBytes: 0 });
  });

  test('maps used longest ago go first, by number', () => {
    const scripts = ['a', 'b', 'c'].map((name) => scriptWithMap(`${name}.js`, `${name}.ts`));
    const [a = '', b = '', c = ''] = scripts;
    const maps = new SourceMaps({ maxFiles: 2 });
    const line = (script: string) => maps.resolve(script, 1, 1)?.line;
    expect([line(a), line(b), line(a), line(c)]).toEqual([3, 3, 3, 3]);
    expect(maps.stats()).toMatchObject({ loaded: 3, evicted: 1, cachedMaps: 2 });
    expect(line(a)).toBe(3);
    expect(maps.stats().loaded).toBe(3);
    expect(line(b)).toBe(3); // read again
    expect(maps.stats()).toMatchObject({ loaded: 4, evicted: 2, cachedMaps: 2 });
  });

  test('and by bytes', () => {
    const mappings = 'AAEI;'.repeat(1_000);
    const scripts = Array.from({ length: 10 }, (_, at) =>
      scriptWithMap(`${at}.js`, 'a.ts', { mappings }),
    );
    const maps = new SourceMaps({ maxBytes: 20_000 });
    for (const script of scripts) expect(maps.resolve(script, 1, 1)?.line).toBe(3);
    const { loaded, evicted, cachedMaps, cachedBytes } = maps.stats();
    expect({ loaded, evicted, cachedMaps }).toEqual({ loaded: 10, evicted: 7, cachedMaps: 3 });
    expect(cachedBytes).toBeGreaterThan(15_000);
    expect(cachedBytes).toBeLessThanOrEqual(20_000);
  });

  test('the time for loading is limited by the minute, dependencies first', () => {
    let millis = 0;
    // Every look at the clock takes 10 ms, so a load takes 10 and a question without one 10 as well.
    const now = () => (millis += 10);
    const own = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => scriptWithMap(`${name}.js`, 'a.ts'));
    const dependency = scriptWithMap('node_modules/x/x.js', 'x.ts');
    const late = scriptWithMap('node_modules/y/y.js', 'y.ts');
    const maps = new SourceMaps({ budgetMillis: 40, now });
    const line = (script: string) => maps.resolve(script, 1, 1)?.line;
    expect(line(dependency)).toBe(3); // 10 of 40 ms: the quarter is used up
    expect(line(late)).toBeUndefined();
    expect(own.map(line)).toEqual([3, 3, 3, undefined, undefined, undefined]);
    expect(own.slice(0, 3).map(line)).toEqual([3, 3, 3]); // what is loaded answers
    expect(maps.stats()).toMatchObject({ loaded: 4, deferred: 4, missing: 0 });
    millis += 60_000;
    expect(line(late)).toBe(3); // nothing was given up for good
    expect(own.slice(3).map(line)).toEqual([3, 3, 3]);
  });
});

/** The nodes of a CPU profile taken while `work` runs, those of one script. */
function profile(work: () => void, script: string): inspector.Runtime.CallFrame[] {
  const session = new inspector.Session();
  session.connect();
  const frames: inspector.Runtime.CallFrame[] = [];
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: 100 });
  session.post('Profiler.start');
  work();
  session.post('Profiler.stop', (error, result) => {
    if (error !== null) throw error;
    for (const { callFrame } of result.profile.nodes) {
      if (callFrame.url.endsWith(path.basename(script))) frames.push(callFrame);
    }
  });
  session.disconnect();
  return frames;
}
