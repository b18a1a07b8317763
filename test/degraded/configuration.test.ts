/** A bad configuration: everything wrong is said at once, the application runs unprofiled. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registerFile, runProgram, withFolder } from '../helpers/programs.ts';

interface Case {
  readonly env: Readonly<Record<string, string>>;
  /** Content of ./spanprof.toml; none if empty. */
  readonly toml: string;
  readonly problems: readonly string[];
}

const cases: readonly Case[] = [
  {
    env: { SPANPROF_WINDOW_SECONDS: '0' },
    toml: '',
    problems: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "0" (environment SPANPROF_WINDOW_SECONDS)',
    ],
  },
  {
    env: { SPANPROF_WINDOW_SECONDS: '10s' },
    toml: '',
    problems: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "10s" (environment SPANPROF_WINDOW_SECONDS)',
    ],
  },
  {
    env: { SPANPROF_WINDOW_SECONDS: '1e9' },
    toml: '',
    problems: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "1e9" (environment SPANPROF_WINDOW_SECONDS)',
    ],
  },
  {
    env: { SPANPROF_CPU_FREQUENCY_HERTZ: '5000' },
    toml: '',
    problems: [
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got "5000" (environment SPANPROF_CPU_FREQUENCY_HERTZ)',
    ],
  },
  {
    env: { SPANPROF_CPU_FREQUENCY_HERTZ: 'NaN' },
    toml: '',
    problems: [
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got "NaN" (environment SPANPROF_CPU_FREQUENCY_HERTZ)',
    ],
  },
  {
    env: { SPANPROF_CPU_FREQUENCY_HERTZ: '-1' },
    toml: '',
    problems: [
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got "-1" (environment SPANPROF_CPU_FREQUENCY_HERTZ)',
    ],
  },
  {
    env: { SPANPROF_CPU: 'maybe' },
    toml: '',
    problems: ['cpu.enabled: expected true or false, got "maybe" (environment SPANPROF_CPU)'],
  },
  {
    env: { SPANPROF_HEAP_INTERVAL_BYTES: '512KB' },
    toml: '',
    problems: [
      'heap.intervalBytes: expected a whole number of bytes from 1024 to 1073741824, got "512KB" (environment SPANPROF_HEAP_INTERVAL_BYTES)',
    ],
  },
  {
    env: { SPANPROF_HEAP_INTERVAL_BYTES: '12' },
    toml: '',
    problems: [
      'heap.intervalBytes: expected a whole number of bytes from 1024 to 1073741824, got "12" (environment SPANPROF_HEAP_INTERVAL_BYTES)',
    ],
  },
  {
    env: { SPANPROF_EXPORTERS: 'file,s3' },
    toml: '',
    problems: [
      'exporters: expected a list of file, pyroscope, gcp, got "s3" in it (environment SPANPROF_EXPORTERS)',
    ],
  },
  {
    env: { SPANPROF_EXPORTERS: 'pyroscop' },
    toml: '',
    problems: [
      'exporters: expected a list of file, pyroscope, gcp, got "pyroscop" in it (environment SPANPROF_EXPORTERS)',
    ],
  },
  {
    env: { SPANPROF_LABELS: 'a' },
    toml: '',
    problems: ['labels: pair 1 is not of the form name=value (environment SPANPROF_LABELS)'],
  },
  {
    env: { SPANPROF_LABELS: '=b' },
    toml: '',
    problems: ['labels: pair 1 is not of the form name=value (environment SPANPROF_LABELS)'],
  },
  {
    env: { SPANPROF_FILE_MAX_FILES: '1.5' },
    toml: '',
    problems: [
      'file.maxFiles: expected a whole number of files from 1 to 1000000, got "1.5" (environment SPANPROF_FILE_MAX_FILES)',
    ],
  },
  {
    env: { SPANPROF_FREQUENCY: '99' },
    toml: '',
    problems: [
      'SPANPROF_FREQUENCY: unknown variable; did you mean SPANPROF_CPU_FREQUENCY_HERTZ? (environment SPANPROF_FREQUENCY)',
    ],
  },
  {
    env: { SPANPROF_WINDOW_SECOND: '10' },
    toml: '',
    problems: [
      'SPANPROF_WINDOW_SECOND: unknown variable; did you mean SPANPROF_WINDOW_SECONDS? (environment SPANPROF_WINDOW_SECOND)',
    ],
  },
  {
    env: { SPANPROF_CONFIG: 'missing.toml' },
    toml: '',
    problems: [
      'config file: cannot read "missing.toml": no such file (environment SPANPROF_CONFIG)',
    ],
  },
  {
    env: { SPANPROF_ENABLED: 'ja' },
    toml: '',
    problems: ['enabled: expected true or false, got "ja" (environment SPANPROF_ENABLED)'],
  },
  {
    env: { SPANPROF_ATTRIBUTION_CPU: 'exactly' },
    toml: '',
    problems: [
      'attribution.cpu: expected one of exact, sampled, off, got "exactly" (environment SPANPROF_ATTRIBUTION_CPU)',
    ],
  },
  {
    env: { SPANPROF_PYROSCOPE_ENDPOINT: 'localhost:4040' },
    toml: '',
    problems: [
      'pyroscope.endpoint: expected an http or https URL without user and password, got "localhost:4040" (environment SPANPROF_PYROSCOPE_ENDPOINT)',
    ],
  },
  {
    env: { SPANPROF_CPU_FREQUENCY_HERTZ: '0', SPANPROF_WINDOW_SECONDS: 'x', SPANPROF_WALL: '2' },
    toml: '',
    problems: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "x" (environment SPANPROF_WINDOW_SECONDS)',
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got "0" (environment SPANPROF_CPU_FREQUENCY_HERTZ)',
      'cpu.wall: expected true or false, got "2" (environment SPANPROF_WALL)',
    ],
  },
  {
    env: {},
    toml: 'windowSeconds = "60"',
    problems: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "60" (file ./spanprof.toml:1)',
    ],
  },
  {
    env: {},
    toml: '[cpu]\nfrequencyHerz = 100',
    problems: [
      'cpu.frequencyHerz: unknown option; did you mean cpu.frequency_hertz? (file ./spanprof.toml:2)',
    ],
  },
  {
    env: {},
    toml: '[cpu\nenabled = true',
    problems: [
      'config file: not valid TOML: illegal character in key (column 5) (file ./spanprof.toml:1)',
    ],
  },
  {
    env: {},
    toml: '[telemetry.profiling.cpu]\nfrequency = 0',
    problems: [
      'telemetry.profiling.cpu.frequency: expected a whole number of hertz from 1 to 1000, got 0 (file ./spanprof.toml:2)',
    ],
  },
  {
    env: {},
    toml: '[telemetry.profiling.cpu]\nfrequenzy = 100',
    problems: [
      'telemetry.profiling.cpu.frequenzy: unknown option; did you mean telemetry.profiling.cpu.frequency? (file ./spanprof.toml:2)',
    ],
  },
  {
    env: {},
    toml: '[telemetry.profiling.exporter]\ntype = "pyroscoop"',
    problems: [
      'telemetry.profiling.exporter.type: expected one of pyroscope, gcp, file, got "pyroscoop" (file ./spanprof.toml:2)',
    ],
  },
  {
    env: {},
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the configuration file
    toml: '[file]\ndirectory = "${NOT_SET}/x"',
    problems: ['file.directory: variable NOT_SET is not set (file ./spanprof.toml:2)'],
  },
  {
    env: {},
    toml: 'serviceName = 5',
    problems: [
      'serviceName: expected a string of 1 to 128 characters, got 5 (file ./spanprof.toml:1)',
    ],
  },
  {
    env: {},
    toml: '[heap]\nlabels = "perhaps"',
    problems: ['heap.labels: expected true or false, got "perhaps" (file ./spanprof.toml:2)'],
  },
  {
    env: {},
    toml: 'cpu = 7',
    problems: [
      'cpu: expected a group of options (enabled, frequency_hertz, wall), got 7 (file ./spanprof.toml:1)',
    ],
  },
  {
    env: {},
    toml: '[labels]\nteam = [1]',
    problems: [
      'labels: label team: expected a string or a whole number, got a list (file ./spanprof.toml:1)',
    ],
  },
];

test.each(cases)('$env $toml', async ({ env, toml, problems }) => {
  await withFolder(async (folder) => {
    const app = join(folder, 'app.mjs');
    writeFileSync(app, "console.log('the application ran'); process.exitCode = 3;");
    if (toml !== '') writeFileSync(join(folder, 'spanprof.toml'), toml);
    const result = await runProgram(app, {
      cwd: folder,
      nodeArgs: ['--require', registerFile],
      env,
    });
    expect(result).toMatchObject({ code: 3, stdout: 'the application ran\n' });
    expect(result.stderr.trimEnd().split('\n')).toEqual([
      `spanprof: configuration has ${problems.length} problem(s); profiling is off:`,
      ...problems.map((problem) => `  ${problem}`),
    ]);
    expect(existsSync(join(folder, 'profiles'))).toBe(false);
  });
});
