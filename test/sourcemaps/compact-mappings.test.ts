import fs from 'node:fs';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CompactMappings } from '../../src/sourcemaps/compact-mappings.ts';
import { bundle, compile, PROGRAM, temporaryFolder, write } from './compile.ts';

interface RawMap {
  readonly version: 3;
  readonly sources: string[];
  readonly names: string[];
  readonly mappings: string;
}

/** What the reference decoder and ours say about one position, in the same words. */
function bothAnswers(map: RawMap, compact: CompactMappings, reference: TraceMap) {
  return (line: number, column: number) => {
    const theirs = originalPositionFor(reference, { line: line + 1, column });
    const ours = compact.find(line, column);
    return {
      theirs:
        theirs.source === null
          ? undefined
          : [theirs.source, theirs.line - 1, theirs.column, theirs.name ?? undefined],
      ours: ours && [map.sources[ours.source], ours.line, ours.column, map.names[ours.name]],
    };
  };
}

function readMap(file: string): RawMap {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

describe('CompactMappings against the reference decoder', () => {
  let folder = '';
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test('every position of a compiled file', () => {
    const output = compile(write(folder, 'program.ts', PROGRAM));
    const map = readMap(`${output}.map`);
    const compact = new CompactMappings(map.mappings, map.sources.length, map.names.length);
    const ask = bothAnswers(map, compact, new TraceMap(map));
    const lines = fs.readFileSync(output, 'utf8').split('\n');
    let mapped = 0;
    for (let line = 0; line < lines.length + 2; line += 1) {
      for (let column = 0; column < (lines[line] ?? '').length + 2; column += 1) {
        const { ours, theirs } = ask(line, column);
        expect(ours, `${line}:${column}`).toEqual(theirs);
        if (ours !== undefined) mapped += 1;
      }
    }
    expect(mapped).toBeGreaterThan(200);
  });

  test('a bundle of a real library: 20,000 positions over many checkpoints', async () => {
    const entry = write(
      folder,
      'entry.mjs',
      `export { Lexer, parser, marked } from ${JSON.stringify(new URL('../../node_modules/marked/lib/marked.esm.js', import.meta.url).pathname)};\n` +
        `export * from ${JSON.stringify(new URL('../../node_modules/minisearch/dist/es/index.js', import.meta.url).pathname)};\n`,
    );
    const output = await bundle(entry, `${folder}/bundle.cjs`);
    const map = readMap(`${output}.map`);
    const compact = new CompactMappings(map.mappings, map.sources.length, map.names.length);
    const ask = bothAnswers(map, compact, new TraceMap(map));
    const lines = fs.readFileSync(output, 'utf8').split('\n');
    const segments = map.mappings.split(/[,;]/).length;
    expect(segments).toBeGreaterThan(5_000);
    let mapped = 0;
    for (let question = 0; question < 20_000; question += 1) {
      // A stride that is prime to the number of lines visits all of them in a scattered order.
      const line = (question * 7_919) % lines.length;
      const column = (question * 104_729) % ((lines[line] ?? '').length + 1);
      const { ours, theirs } = ask(line, column);
      expect(ours, `${line}:${column}`).toEqual(theirs);
      if (ours !== undefined) mapped += 1;
    }
    expect(mapped).toBeGreaterThan(10_000);
    // The point of it all: not much more than the text itself.
    expect(compact.bytes).toBeLessThan(map.mappings.length * 1.25 + 1_024);
  });

  test('one long line, as minifiers write it', () => {
    // 1,000 segments, two columns apart, each on the next source line.
    const map: RawMap = {
      version: 3,
      sources: ['a.ts'],
      names: [],
      mappings: `AAAA${',EACA'.repeat(999)}`,
    };
    const compact = new CompactMappings(map.mappings, 1, 0);
    const ask = bothAnswers(map, compact, new TraceMap(map));
    for (let column = 0; column < 2_010; column += 1) {
      const { ours, theirs } = ask(0, column);
      expect(ours).toEqual(theirs);
      expect(ours).toEqual(['a.ts', Math.min(999, column >> 1), 0, undefined]);
    }
  });

  test('columns that run backwards', () => {
    // Columns 10, 5, 7 on source lines 0, 1, 2; then a second line.
    const map: RawMap = {
      version: 3,
      sources: ['a.ts'],
      names: [],
      mappings: 'UAAA,LACA,EACA;CACA',
    };
    const compact = new CompactMappings(map.mappings, 1, 0);
    const ask = bothAnswers(map, compact, new TraceMap(structuredClone(map)));
    const lines = [];
    for (let column = 0; column < 12; column += 1) {
      const { ours, theirs } = ask(0, column);
      expect(ours).toEqual(theirs);
      lines.push(ours?.[1]);
    }
    expect(lines).toEqual([...Array(5).fill(undefined), 1, 1, 2, 2, 2, 0, 0]);
    expect(compact.find(1, 1)?.line).toBe(3);
  });

  test('many columns that run backwards', () => {
    // A line, then columns 0, 1000, 998, 996, … on source lines 1, 2, 3, …
    const map: RawMap = {
      version: 3,
      sources: ['a.ts'],
      names: [],
      mappings: `AAAA;AACA,w+BACA${',FACA'.repeat(400)};AACA`,
    };
    const compact = new CompactMappings(map.mappings, 1, 0);
    const ask = bothAnswers(map, compact, new TraceMap(structuredClone(map)));
    for (let column = 0; column < 1_005; column += 1) {
      const { ours, theirs } = ask(1, column);
      expect(ours, `column ${column}`).toEqual(theirs);
    }
    expect(compact.find(1, 200)?.line).toBe(402);
    expect(compact.find(1, 199)?.line).toBe(1);
    expect(compact.find(2, 0)?.line).toBe(403);
  });
});

describe('a column nobody knows', () => {
  test('gives the first mapped segment of the line', () => {
    // Column 0 unmapped, column 4 → 1:2.
    const compact = new CompactMappings(';A,IACE,IAAI', 1, 0);
    expect(compact.findOnLine(1)).toMatchObject({ generatedColumn: 4, line: 1, column: 2 });
    expect(compact.findOnLine(0)).toBeUndefined();
    expect(compact.findOnLine(2)).toBeUndefined();
  });

  test('gives nothing where the line holds two sources or is minified', () => {
    expect(new CompactMappings('AAAA,CCAA', 2, 0).findOnLine(0)).toBeUndefined();
    expect(new CompactMappings(`AAAA${',CAAC'.repeat(999)}`, 1, 0).findOnLine(0)?.line).toBe(0);
    expect(new CompactMappings(`AAAA${',CAAC'.repeat(1_999)}`, 1, 0).findOnLine(0)).toBeUndefined();
  });
});

describe('malformed mappings are refused', () => {
  test.each([
    ['a character that is no base64', 'AAAA,A A', 'malformed at byte 6'],
    ['a number cut off', 'AAAA,g', 'malformed at byte 6'],
    ['a number that does not end', 'AAAA,gggggggggggggggg', 'malformed at byte 12'],
    ['two fields', 'AA', 'malformed at byte 2'],
    ['six fields', 'AAAAAA', 'more than 5 fields at byte 5'],
    ['a source that is not there', 'ACAA', 'outside the map on generated line 1'],
    ['a source before the first', 'ADAA', 'outside the map on generated line 1'],
    ['a negative column', 'AAAA;;DAAA', 'outside the map on generated line 3'],
    ['a negative source line', 'AADA', 'outside the map on generated line 1'],
    ['a name that is not there', 'AAAAC', 'outside the map on generated line 1'],
  ])('%s', (_, mappings, message) => {
    expect(() => new CompactMappings(mappings, 1, 1)).toThrow(message);
  });

  test('while empty ones are valid', () => {
    for (const mappings of ['', ';;;', ',,;,']) {
      const compact = new CompactMappings(mappings, 0, 0);
      expect(compact.find(0, 0)).toBeUndefined();
      expect(compact.findOnLine(1)).toBeUndefined();
    }
  });
});
