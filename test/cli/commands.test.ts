/** Every command that reads profiles, on files of three producers, in a pipe and in a terminal. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { load } from 'cheerio';
import { Profile as PprofProfile } from 'pprof-format';
import { describe, expect, test } from 'vitest';
import { decode } from '../../src/profile/decode.ts';
import { encode } from '../../src/profile/encode.ts';
import { goAvailable, goToolPprof } from '../helpers/go.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';
import { root, withFolder } from '../helpers/programs.ts';
import { randomProfile, totalsOf } from '../helpers/random-profile.ts';
import { withServer } from './endpoint.ts';
import { hasPty, main, spanprof, spanprofInPty, withoutColours } from './spanprof.ts';

const producers = join(root, 'test/fixtures/producers');
const files = readdirSync(producers).filter((name) => name.endsWith('.pb.gz'));
const before = profileFromText(`
  stack            main@app.ts:9+1  main@app.ts:9+1   main@app.ts:12+1  (idle)
                   plan@a.ts:12+10  plan@a.ts:13+10   parse@b.ts:3+1
  samples/count    30               20                10                40
  cpu/nanoseconds  300000000        200000000         100000000         400000000
  labels           agent_name=x     agent_name=y      agent_name=x      -
`);
const after = profileFromText(`
  stack            main@app.ts:9+1  main@app.ts:9+1   (idle)
                   plan@a.ts:12+10  plan@a.ts:13+10
  samples/count    60               20                40
  cpu/nanoseconds  600000000        200000000         400000000
  labels           agent_name=x     agent_name=y      -
`);

/** A folder with `before-cpu.pb.gz` and `after-cpu.pb.gz`. */
const withPair = <T>(use: (folder: string) => Promise<T>): Promise<T> =>
  withFolder((folder) => {
    writeFileSync(join(folder, 'before-cpu.pb.gz'), gzipSync(encode(before)));
    writeFileSync(join(folder, 'after-cpu.pb.gz'), gzipSync(encode(after)));
    return use(folder);
  });

describe.each(files)('%s', (name) => {
  const file = join(producers, name);
  const profile = decode(readFileSync(file));

  test('check and top tell what is in it', async () => {
    const checked = await spanprof(['check', '--json', file]);
    expect([checked.code, checked.stderr]).toEqual([0, '']);
    const [summary] = JSON.parse(checked.stdout);
    expect(summary).toMatchObject({ ok: true, samples: profile.samples.stack.length });
    expect(summary.values.map(({ total }: { total: number }) => total)).toEqual(totalsOf(profile));
    const shown = await spanprof(['top', '--json', '-s', '0', '-n', '1000', file]);
    const { functions, total } = JSON.parse(shown.stdout);
    const flat = functions.reduce((sum: number, one: { flat: number }) => sum + one.flat, 0);
    expect(flat).toBe(total);
    expect(functions.map((one: { name: string }) => one.name).join(' ')).toMatch(
      /plan|parse|remember|main/i,
    );
  });

  test('flamegraph, merge, diff and report take it', () =>
    withFolder(async (cwd) => {
      for (const output of ['x.svg', 'x.html', 'x.folded', 'x.json']) {
        const { code, stdout, stderr } = await spanprof(['flamegraph', file, '-o', output], {
          cwd,
        });
        expect([code, stdout, stderr], output).toEqual([0, '', '']);
        expect(readFileSync(join(cwd, output), 'utf8').length).toBeGreaterThan(100);
      }
      const merged = await spanprof(['merge', file, file, '-o', 'twice.pb.gz'], { cwd });
      expect(merged.code).toBe(0);
      const twice = decode(readFileSync(join(cwd, 'twice.pb.gz')));
      expect(totalsOf(twice)).toEqual(totalsOf(profile).map((total) => 2 * total));
      const { stdout } = await spanprof(['diff', file, 'twice.pb.gz', '--json'], { cwd });
      const { totals } = JSON.parse(stdout);
      expect(totals.after).toBe(2 * totals.before);
      const report = await spanprof(['report', file, '-o', 'r.html'], { cwd });
      expect([report.code, report.stdout]).toEqual([0, 'r.html: 1 profiles\n']);
    }));
});

describe('top', () => {
  test('adds up the profiles of a folder, by function, by label, filtered', () =>
    withPair(async (cwd) => {
      const { stdout } = await spanprof(['top', '.', '--sort', 'cum'], { cwd });
      expect(stdout.split('\n').slice(0, 5)).toEqual([
        'Type: cpu',
        'Showing nodes accounting for 2200ms, 100% of 2200ms total',
        '      flat  flat%   sum%        cum   cum%',
        '         0     0%     0%     1400ms 63.64%  main app.ts:1',
        '    1300ms 59.09% 59.09%     1300ms 59.09%  plan a.ts:10',
      ]);
      const byAgent = await spanprof(['top', '.', '--by', 'agent_name'], { cwd });
      expect(byAgent.stdout).toBe(
        'Type: cpu, 2200ms total\n    1000ms 45.45%  x\n     800ms 36.36%  (no agent_name)\n     400ms 18.18%  y\n',
      );
      const one = await spanprof(
        ['top', '.', '-l', 'agent_name!=x', '-l', 'agent_name!=', '--json'],
        { cwd },
      );
      expect(JSON.parse(one.stdout)).toMatchObject({ total: 400_000_000 });
    }));

  test.skipIf(!hasPty).each([
    [['flamegraph', 'before-cpu.pb.gz', '-o', 'x.svg'], ''],
    [['flamegraph', 'before-cpu.pb.gz', '-o', 'x.html'], ''],
    [['diff', 'before-cpu.pb.gz', 'after-cpu.pb.gz'], 'Type: cpu'],
    [['report', '.', '-o', 'r.html'], 'r.html: 2 profiles'],
    [['merge', 'before-cpu.pb.gz', 'after-cpu.pb.gz', '-o', 'sum.pb.gz'], ''],
    [['check', 'before-cpu.pb.gz'], 'before-cpu.pb.gz'],
    [['--help'], 'Usage: spanprof'],
  ])('in a terminal: %j says the same as in a pipe', (args, expected) =>
    withPair(async (cwd) => {
      const piped = await spanprof(args, { cwd });
      const shown = await spanprofInPty(args, { cwd });
      expect([piped.code, shown.code]).toEqual([0, 0]);
      const text = withoutColours(shown.output);
      expect(text).toContain(expected);
      // Progress is for terminals: a line that is gone again when the answer stands there.
      for (const line of piped.stdout.split('\n')) expect(text).toContain(line);
    }),
  );

  test.skipIf(!hasPty)('in a terminal: in colours unless NO_COLOR says otherwise', () =>
    withPair(async (cwd) => {
      const args = ['top', 'before-cpu.pb.gz'];
      const coloured = await spanprofInPty(args, { cwd });
      expect(coloured.code).toBe(0);
      expect(coloured.output).toContain('\u001b[1m      flat');
      const plain = await spanprofInPty(args, { cwd, env: { NO_COLOR: '1' } });
      const piped = await spanprof(args, { cwd });
      expect(withoutColours(plain.output)).toBe(piped.stdout);
      expect(plain.output).not.toContain('\u001b[1m');
    }),
  );

  test('takes a profile from stdin, and names that are commands to a terminal are not', async () => {
    const hostile = profileFromText('stack            x\nsamples/count    1\ncpu/nanoseconds  1');
    const name = ['evil\u001b]0;title\u0007\u009b31m'];
    const bytes = encode({ ...hostile, functions: { ...hostile.functions, name } });
    const { code, stdout } = await spanprof(['top', '-'], { stdin: bytes });
    expect(code).toBe(0);
    expect(stdout).toContain('evil\ufffd]0;title\ufffd\ufffd31m');
  });

  test('ends like other programs when its reader goes away', () =>
    withPair(async (cwd) => {
      writeFileSync(join(cwd, 'many.pb'), encode(randomProfile(1, 20_000)));
      const { code, stderr } = await spanprof(
        ['flamegraph', '-f', 'speedscope', '-o', '-', 'many.pb'],
        {
          cwd,
          onStdout: (child) => void child.stdout?.destroy(),
        },
      );
      expect([code, stderr]).toEqual([141, '']);
    }));
});

describe('from a URL', () => {
  test('asks an endpoint for a profile of now, with the token', async () => {
    const asked: string[] = [];
    await withServer(
      (request, response) => {
        asked.push(`${request.url} ${request.headers.authorization}`);
        response.end(gzipSync(encode(before)));
      },
      async (url) => {
        const env = { SPANPROF_ENDPOINT_TOKEN: 'secret' };
        const first = await spanprof(['top', url, '--seconds', '3'], { env });
        const second = await spanprof(['top', url, '--type', 'heap', '--json'], {});
        expect([first.code, second.code]).toEqual([0, 0]);
        expect(first.stdout).toContain('plan a.ts:10');
      },
    );
    expect(asked).toEqual([
      '/debug/pprof/profile?seconds=3 Bearer secret',
      '/debug/pprof/heap undefined',
    ]);
  });

  test.each<[string, number, Record<string, string>, string, string]>([
    [
      'a refusal',
      409,
      {},
      'a recording is under way\nmore',
      'status 409, a recording is under way',
    ],
    [
      'a redirect',
      302,
      { location: 'http://evil.example/' },
      '',
      'status 302, a redirect to http://evil.example/',
    ],
    ['a page', 200, {}, '<!doctype html>', 'a profile has a field of wire type 4'],
  ])('says what is wrong with %s', (_, status, headers, body, reason) =>
    withServer(
      (_request, response) => void response.writeHead(status, headers).end(body),
      async (url) => {
        const { code, stdout, stderr } = await spanprof(['top', `${url}/x`]);
        expect([code, stdout]).toEqual([1, '']);
        expect(stderr).toContain(reason);
      },
    ),
  );
});

describe('flamegraph', () => {
  test('puts labels on top, filters, and writes pprof that Go reads', () =>
    withPair(async (cwd) => {
      const args = ['flamegraph', 'before-cpu.pb.gz', '-l', 'agent_name=x'];
      const { stdout } = await spanprof(
        [...args, '--by', 'agent_name', '-f', 'folded', '-o', '-'],
        { cwd },
      );
      expect(stdout).toBe('agent_name=x;main;parse 100000000\nagent_name=x;main;plan 300000000\n');
      await spanprof([...args, '-o', 'x.pb.gz'], { cwd });
      expect(totalsOf(decode(readFileSync(join(cwd, 'x.pb.gz'))))).toEqual([40, 400_000_000]);
      if (goAvailable) expect(await goToolPprof(['-top', join(cwd, 'x.pb.gz')])).toContain('400ms');
      const svg = await spanprof([...args, '-f', 'svg', '-o', '-', '--title', 'A <b>'], { cwd });
      expect(load(svg.stdout, { xml: true })('svg > title').text()).toBe('A <b>');
    }));
});

test('diff shows before, after and change, as a table and as pictures', () =>
  withPair(async (cwd) => {
    const args = ['diff', 'before-cpu.pb.gz', 'after-cpu.pb.gz'];
    const { stdout } = await spanprof([...args, '-o', 'd.svg'], { cwd });
    expect(stdout).toBe(
      [
        'Type: cpu, before 1s, after 1.20s, change +200ms',
        '     before      after       flat        cum',
        '      500ms      800ms     +300ms     +300ms  plan a.ts:10',
        '      100ms          0     -100ms     -100ms  parse b.ts:1',
        '          0          0          0     +200ms  main app.ts:1',
        '',
      ].join('\n'),
    );
    expect(readFileSync(join(cwd, 'd.svg'), 'utf8')).toContain('class="more"');
    expect((await spanprof([...args, '-o', 'd.html'], { cwd })).code).toBe(0);
    expect(existsSync(join(cwd, 'd.html'))).toBe(true);
  }));

describe('report', () => {
  test('is one page that asks nobody, under its bound, with what could not be read', () =>
    withPair(async (cwd) => {
      mkdirSync(join(cwd, 'profiles'));
      for (let i = 0; i < 40; i++) {
        const startNanos = 1_790_000_000_000_000_000n + BigInt(i) * 60_000_000_000n;
        const profile = { ...(i % 2 === 0 ? before : after), timeNanos: startNanos };
        writeFileSync(join(cwd, 'profiles', `${i}-cpu.pb.gz`), gzipSync(encode(profile)));
      }
      writeFileSync(join(cwd, 'profiles', 'broken-cpu.pb.gz'), 'nothing');
      const { code, stdout, stderr } = await spanprof(['report', 'profiles', '--title', '<x>'], {
        cwd,
      });
      expect([code, stdout]).toEqual([0, 'profiles/report.html: 40 profiles\n']);
      expect(stderr).toContain('broken-cpu.pb.gz: not a usable profile');
      const html = readFileSync(join(cwd, 'profiles/report.html'), 'utf8');
      const $ = load(html);
      expect($('h1').text()).toBe('<x>');
      expect($('script, link, img, iframe').length).toBe(0);
      expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:/);
      expect(
        $('caption')
          .toArray()
          .map((one) => $(one).text()),
      ).toEqual(['by agent_name', 'by function']);
      expect(
        $('.legend span')
          .toArray()
          .map((one) => $(one).text()),
      ).toEqual(['x', 'y', 'no agent']);
      expect($('svg.flamegraph').length).toBe(1);
      expect(html.length).toBeLessThan(3_000_000);
    }));
});

describe('what is wrong is said in one line', () => {
  test.each<[string[], number, string]>([
    [['topp'], 2, 'unknown command "topp"; did you mean top?'],
    [['flame'], 2, 'unknown command "flame"; did you mean flamegraph?'],
    [['top', '--lable', 'a=b', 'x'], 2, 'unknown option "--lable"; did you mean --label?'],
    [
      ['top', '--type', 'hep', 'x'],
      2,
      '--type must be one of cpu, wall, heap, allocs, not "hep"; did you mean heap?',
    ],
    [['top', '-n', '0', 'x'], 2, '--limit must be a whole number from 1 to 100000, not "0"'],
    [['top', '-l', 'agent', 'x'], 2, '--label must be KEY=VALUE or KEY!=VALUE, not "agent"'],
    [['top'], 2, 'a file or a URL is missing'],
    [['flamegraph', 'x', '-o'], 2, '-o needs a value: -o FILE'],
    [['flamegraph', 'x', '-o', 'x.png'], 2, 'the ending of x.png says no format'],
    [[], 2, 'a command is missing'],
    [['top', 'missing.pb.gz'], 1, 'missing.pb.gz cannot be read: there is no such file'],
    [['top', 'package.json'], 1, 'package.json: not a usable profile: a profile has a field'],
    [['top', 'docs'], 1, 'docs cannot be read: it holds no cpu profiles'],
    [
      ['top', 'http://127.0.0.1:9/x'],
      1,
      'http://127.0.0.1:9/x cannot be read: nobody listens there',
    ],
    [['run'], 2, 'the program to run is missing'],
  ])('spanprof %j', async (args, exitCode, message) => {
    const { code, stdout, stderr } = await spanprof(args);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(stderr).toContain(`spanprof: ${message}`);
    expect(stderr.includes('Try: spanprof')).toBe(exitCode === 2);
  });

  test('a value that is not there, and a file that cannot be written', () =>
    withPair(async (cwd) => {
      const value = await spanprof(['top', 'before-cpu.pb.gz', '-s', 'cup'], { cwd });
      expect([value.code, value.stderr]).toEqual([
        2,
        'spanprof: the profile has no value "cup", only samples, cpu; did you mean cpu?\nTry: spanprof top --help\n',
      ]);
      const written = await spanprof(['merge', 'before-cpu.pb.gz', '-o', 'no/x.pb.gz'], { cwd });
      expect(written.stderr).toBe(
        'spanprof: no/x.pb.gz cannot be written: there is no such file\n',
      );
      expect(written.code).toBe(1);
    }));
});

describe('help', () => {
  const commands = ['run', 'top', 'flamegraph', 'diff', 'report', 'merge', 'live', 'check'];

  test('lists every command, and reads none of them', async () => {
    const { code, stdout } = await spanprof(['--help']);
    expect(code).toBe(0);
    const listed = Array.from(stdout.matchAll(/^ {2}(\w+) {2}/gm), (match) => match[1]);
    expect(listed.filter((name) => name !== 'spanprof').sort()).toEqual(commands.toSorted());
  });

  test.each(commands)('%s has a description, options and examples', async (name) => {
    const { code, stdout } = await spanprof([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: spanprof ${name} `));
    expect(stdout).toMatch(/\n\nOptions\n.+\n\nExamples\n {2}spanprof /s);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('starting the command reads nothing of the profiler', async () => {
    const version = await spanprof(['--version']);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const sources = readFileSync(main, 'utf8');
    const statics = Array.from(sources.matchAll(/^import .* from '(.*)';$/gm), (match) => match[1]);
    expect(statics.filter((name) => /profile|agent|native/.test(name ?? ''))).toEqual([]);
  });
});

describe('hostile and large files', () => {
  const bytes = gunzipSync(readFileSync(join(producers, 'go-cpu.pb.gz')));

  test('damaged and cut-off files end with one clear line, whatever the damage', () =>
    withFolder(async (cwd) => {
      const damaged: Record<string, Uint8Array> = {
        'cut.pb': bytes.subarray(0, bytes.length / 2),
        'cut.pb.gz': gzipSync(bytes).subarray(0, 500),
        'empty.pb': new Uint8Array(0),
        'bomb.pb.gz': gzipSync(new Uint8Array(300 * 2 ** 20)),
        'nested.pb': Buffer.alloc(2 ** 20, Buffer.from('1200', 'hex')),
      };
      for (const [name, content] of Object.entries(damaged))
        writeFileSync(join(cwd, name), content);
      const names = Object.keys(damaged);
      const { code, stdout, stderr } = await spanprof(['check', ...names], { cwd });
      expect([code, stdout]).toEqual([1, '']);
      const lines = stderr.trimEnd().split('\n');
      expect(lines).toHaveLength(names.length);
      for (const [index, name] of names.entries()) {
        expect(lines[index]).toMatch(`spanprof: ${name}: not a usable profile: `);
      }
    }));

  test(
    '200 MB get an answer in bounded memory, or a clear refusal where memory is small',
    () =>
      withFolder(async (cwd) => {
        writeFileSync(join(cwd, 'large.pb'), largeProfile(200 * 2 ** 20));
        const report = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))`;
        const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(report)}`];
        const { code, stdout, stderr } = await spanprof(['top', '-n', '1', 'large.pb'], {
          cwd,
          nodeArgs,
        });
        expect(code, stderr).toBe(0);
        expect(stdout).toContain('plan a.ts:10');
        expect(Number(/peak (\d+)/.exec(stderr)?.[1])).toBeLessThan(1.5 * 2 ** 20);
        const small = await spanprof(['top', 'large.pb'], {
          cwd,
          nodeArgs: ['--max-old-space-size=300'],
        });
        expect([small.code, small.signal]).toEqual([1, null]);
        expect(small.stderr).toMatch(
          /large\.pb: not a usable profile: it takes more than \d+ bytes/,
        );
      }),
    120_000,
  );
});

/** Samples with long texts as labels: what makes real profiles so large. */
function largeProfile(size: number): Uint8Array {
  const base = Buffer.from(encode(before));
  /** The texts below join those of the string table. */
  const strings = PprofProfile.decode(base).stringTable.strings.length;
  const url = `https://example.test/${'x'.repeat(980)}`;
  const pieces: Buffer[] = [base];
  const varint = (value: number): number[] => {
    const groups: number[] = [];
    for (; value >= 128; value = Math.floor(value / 128)) groups.push((value % 128) | 128);
    return [...groups, value];
  };
  let written = base.length;
  for (let i = 0; written < size; i++) {
    const text = Buffer.from(`${url}${i}`);
    const label = [8, 1, 16, ...varint(strings + i)];
    const sample = [10, 1, 1, 18, 2, 1, 1, 26, label.length, ...label];
    const piece = Buffer.concat([
      Buffer.from([18, sample.length, ...sample, 50, ...varint(text.length)]),
      text,
    ]);
    pieces.push(piece);
    written += piece.length;
  }
  return Buffer.concat(pieces);
}
