/** Reads the profiles of a folder with spanprof's own reader and prints what they say. */

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DemoError, reasonOf } from './outcome.mjs';
import { repository } from './processes.mjs';
import { bold, dim, formatBytes, say, table } from './terminal.mjs';

const PROFILE_NAME = /-(cpu|wall|heap|allocs)\.pb\.gz$/;
/** The second value column of every type holds the quantity, the first the count. */
const QUANTITY = 1;
const HOTTEST = 5;
/** How a CPU profile calls what the process's other threads used: V8's helpers, file work. */
const OTHER_THREADS = '(non-JS threads)';
/** Some libraries' source maps name their sources by long addresses; the end says most. */
const MAX_ADDRESS = 40;
const OWN_SOURCE = 'examples/agent-service/src/';

/**
 * @typedef {import('../../src/profile/model.ts').Profile} Profile
 * @typedef {import('../../src/profile/top.ts').TopEntry} TopEntry
 * @typedef {typeof import('../../src/profile/decode.ts')
 *   & typeof import('../../src/profile/merge.ts')
 *   & typeof import('../../src/profile/top.ts')
 *   & typeof import('../../src/profile/filter.ts')} Modules
 *
 * @typedef {object} ProfileFile
 * @property {string} name
 * @property {string} type
 * @property {number} size in bytes, as written
 * @property {Profile} profile
 */

/** @returns {Promise<Modules>} */
async function profileModules() {
  const load = (/** @type {string} */ name) =>
    import(new URL(`../../.cache/modules/profile/${name}.js`, import.meta.url).href);
  return Object.assign({}, ...(await Promise.all(['decode', 'merge', 'top', 'filter'].map(load))));
}

/**
 * Rejects if the folder does not hold CPU profiles with samples of agents, and heap profiles.
 *
 * @param {string} directory
 */
export async function report(directory) {
  const modules = await profileModules();
  const files = await readProfiles(directory, modules.decode);
  const ofType = (/** @type {string} */ type) =>
    files.filter((file) => file.type === type).map((file) => file.profile);

  printFiles(directory, files);
  const [cpuProfiles, heapProfiles] = [ofType('cpu'), ofType('heap')];
  if (cpuProfiles.length === 0) throw new DemoError(`no CPU profile was written to ${directory}`);
  const cpu = modules.merge(cpuProfiles);
  const byAgent = printShares('CPU by agent', cpu, 'agent_name', 'outside any agent', modules);
  const hungriest = [...byAgent.keys()].find((agent) => agent !== undefined);
  if (hungriest === undefined) throw new DemoError('no CPU sample carries the name of an agent');
  printShares('CPU by tool', cpu, 'tool_name', 'outside any tool', modules);
  printHottest(cpu, hungriest, modules);

  const lastHeap = heapProfiles.at(-1);
  if (!lastHeap) throw new DemoError(`no heap profile was written to ${directory}`);
  printHeap(lastHeap, modules);
  printHowToOpen(directory, hungriest, files);
}

/**
 * Oldest first: the names sort by time.
 *
 * @param {string} directory
 * @param {Modules['decode']} decode
 */
async function readProfiles(directory, decode) {
  const names = (await readdir(directory)).filter((name) => PROFILE_NAME.test(name)).sort();
  /** @type {ProfileFile[]} */
  const files = [];
  for (const name of names) {
    const bytes = await readFile(join(directory, name));
    const type = PROFILE_NAME.exec(name)?.[1] ?? '';
    try {
      files.push({ name, type, size: bytes.length, profile: decode(bytes) });
    } catch (error) {
      throw new DemoError(`${name} cannot be read: ${reasonOf(error)}`);
    }
  }
  if (files.length === 0) throw new DemoError(`no profiles were written to ${directory}`);
  return files;
}

/** @param {string} directory @param {readonly ProfileFile[]} files */
function printFiles(directory, files) {
  say();
  say(bold(`Profiles in ${fromHere(directory)}/`));
  table(
    ['file', 'type', '>window', '>samples', '>size'],
    files.map(({ name, type, size, profile }) => [
      name,
      type,
      formatSeconds(Number(profile.durationNanos)),
      String(sum(profile.samples.values[0])),
      formatBytes(size),
    ]),
  );
  say(dim('  samples: of cpu and wall, the moments looked at; of heap, the objects estimated'));
}

/**
 * A table of CPU time by one label; returns the sums, largest first.
 *
 * @param {string} title
 * @param {Profile} cpu
 * @param {string} label
 * @param {string} rest what the samples without that label are
 * @param {Modules} modules
 */
function printShares(title, cpu, label, rest, { filterByLabels, sumBy, top }) {
  const sums = sumBy(cpu, QUANTITY, (labels) => labels[label]?.toString());
  const unlabelled = filterByLabels(cpu, (labels) => labels[label] === undefined);
  const otherThreads = top(unlabelled, QUANTITY).find((entry) => entry.name === OTHER_THREADS);
  const otherNanos = otherThreads?.flat ?? 0;
  const named = [...sums].filter(([name]) => name !== undefined);
  const totalNanos = sum(cpu.samples.values[QUANTITY]);
  const [total, elapsed] = [totalNanos, Number(cpu.durationNanos)].map(formatSeconds);
  say();
  say(`${bold(title)} ${dim(`(${total} of CPU time in ${elapsed})`)}`);
  table(
    [label, '>ms', '>%'],
    [
      ...named,
      /** @type {const} */ ([`(${rest})`, (sums.get(undefined) ?? 0) - otherNanos]),
      /** @type {const} */ ([OTHER_THREADS, otherNanos]),
    ].map(([name = '', nanos]) => [
      name,
      (nanos / 1e6).toFixed(0),
      ((100 * nanos) / totalNanos).toFixed(1),
    ]),
  );
  return sums;
}

/** @param {Profile} cpu @param {string} agent @param {Modules} modules */
function printHottest(cpu, agent, { filterByLabels, top }) {
  const profile = filterByLabels(cpu, (labels) => labels['agent_name'] === agent);
  printFunctions(
    `The ${HOTTEST} hottest functions of ${agent}`,
    top(profile, QUANTITY, { limit: HOTTEST }),
  );
  const own = top(profile, QUANTITY, { sortBy: 'cum' }).filter((entry) =>
    fromHere(entry.file).startsWith(OWN_SOURCE),
  );
  if (own.length > 0) {
    printFunctions("The service's own functions that lead there", own.slice(0, HOTTEST));
  }
}

/** @param {string} title @param {readonly TopEntry[]} entries */
function printFunctions(title, entries) {
  say();
  say(bold(title));
  table(
    ['>flat ms', '>cum ms', 'function', 'where'],
    entries.map((entry) => [
      (entry.flat / 1e6).toFixed(0),
      (entry.cum / 1e6).toFixed(0),
      entry.name,
      whereOf(entry),
    ]),
  );
}

/** @param {Profile} heap @param {Modules} modules */
function printHeap(heap, { top }) {
  const [objects = 0, bytes = 0] = heap.samples.values.map(sum);
  say();
  say(bold('Live heap at the end'));
  say(`  ${formatBytes(bytes)} in about ${objects} objects; most of it allocated in`);
  table(
    ['>live', 'function', 'where'],
    top(heap, QUANTITY, { limit: HOTTEST }).map((entry) => [
      formatBytes(entry.flat),
      entry.name,
      whereOf(entry),
    ]),
  );
}

/** @param {string} directory @param {string} agent @param {readonly ProfileFile[]} files */
function printHowToOpen(directory, agent, files) {
  const folder = fromHere(directory);
  // The first window also holds the start of the service; the second is all work.
  const cpuFiles = files.filter((file) => file.type === 'cpu');
  const file = `${folder}/${(cpuFiles[1] ?? cpuFiles[0])?.name}`;
  say();
  say(bold('Open them'));
  say(`  go tool pprof -http=: ${folder}/*-cpu.pb.gz`);
  say(`  go tool pprof -top -tagfocus=agent_name=${agent} ${folder}/*-cpu.pb.gz`);
  say(`  go tool pprof -tags ${file}`);
  say('  or drop a file on https://www.speedscope.app (it stays in your browser)');
  say('  or send one to a Pyroscope server:');
  say('    profilecli upload --url=http://localhost:4040 \\');
  say(`      --extra-labels=service_name=agent-service ${file}`);
}

/** @param {TopEntry} entry */
function whereOf({ file, line }) {
  if (file === '') return '';
  return line > 0 ? `${fromHere(file)}:${line}` : fromHere(file);
}

/** @param {number} nanos */
function formatSeconds(nanos) {
  return `${(nanos / 1e9).toFixed(1)} s`;
}

/** Paths in the repository without what they all begin with, addresses cut. @param {string} path */
function fromHere(path) {
  if (/^https?:/.test(path)) return `…${path.slice(-MAX_ADDRESS)}`;
  if (!path.startsWith('/')) return path;
  const short = relative(repository, path);
  return short.startsWith('..') ? path : short;
}

/** @param {readonly number[]} [values] */
function sum(values = []) {
  return values.reduce((total, value) => total + value, 0);
}
