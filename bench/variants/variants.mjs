/** What is measured beside each other, each as its own documentation sets it up. */
import { join } from 'node:path';
import { root } from '../../scripts/nodes.mjs';
import { peerManifest, peerPath } from '../lib/peers.mjs';

/**
 * @typedef {object} Setting
 * @property {number} major of Node
 * @property {number} windowSeconds
 * @property {string} folder for files
 * @property {string} sink URL of a server that takes profiles
 */

/**
 * @typedef {object} Variant
 * @property {string} name
 * @property {string} title
 * @property {string} adapter file of this folder that runs a function as an owner's work
 * @property {(setting: Setting) => string[]} [args] of Node
 * @property {(setting: Setting) => Record<string, string>} [env]
 * @property {boolean} [spans] follows OpenTelemetry spans by itself; others are told each owner
 * @property {readonly string[]} [loads] where it differs from another variant; everywhere unless said
 * @property {boolean} [uploads] sends profiles; if none arrives it did not work
 * @property {string} [peer] its package
 * @property {'samples' | 'none'} [labels] whether it says whose its samples are
 */

const register = join(root, 'dist/register.js');
const spanprof = (/** @type {Setting} */ { windowSeconds, folder }) => ({
  SPANPROF_EXPORTERS: 'file',
  SPANPROF_FILE_DIRECTORY: join(folder, 'profiles'),
  SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
  SPANPROF_WINDOW_SECONDS: String(windowSeconds),
});
const withoutBills = { SPANPROF_ATTRIBUTION_CPU: 'off', SPANPROF_ATTRIBUTION_BYTES: 'off' };
const datadog = (/** @type {Setting} */ { windowSeconds, sink }) => ({
  DD_TRACE_AGENT_URL: sink,
  DD_PROFILING_UPLOAD_PERIOD: String(windowSeconds),
  DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
  DD_REMOTE_CONFIGURATION_ENABLED: 'false',
  DD_TRACE_STARTUP_LOGS: 'false',
});

/** @type {readonly Variant[]} */
export const variants = [
  { name: 'nothing', title: 'nothing', adapter: 'nothing' },
  { name: 'again', title: 'nothing, again (A/A)', adapter: 'nothing' },
  {
    name: 'floor',
    title: "V8's samplers and an AsyncLocalStorage",
    adapter: 'v8-samplers',
  },
  {
    name: 'hooks-floor',
    title: "V8's samplers and an empty hook at every await",
    adapter: 'v8-samplers-hooks',
  },
  {
    name: 'labels',
    title: 'spanprof, labels only',
    adapter: 'spanprof',
    args: () => ['--require', register],
    env: (setting) => ({ ...spanprof(setting), ...withoutBills, SPANPROF_OTEL: 'off' }),
    labels: 'samples',
  },
  {
    name: 'spans',
    title: 'spanprof, labels of spans',
    adapter: 'spanprof',
    args: () => ['--require', register],
    env: (setting) => ({ ...spanprof(setting), ...withoutBills }),
    spans: true,
    loads: ['agent-service'],
    labels: 'samples',
  },
  {
    name: 'bills',
    title: 'spanprof, exact bills',
    adapter: 'spanprof-bills',
    args: () => ['--require', register],
    env: spanprof,
    spans: true,
    labels: 'samples',
  },
  {
    name: 'everything',
    title: 'spanprof, everything on',
    adapter: 'spanprof-bills',
    args: () => ['--require', register],
    env: (setting) => ({
      ...spanprof(setting),
      SPANPROF_ATTRIBUTION_BYTES: 'exact',
      SPANPROF_ENDPOINT_PORT: '0',
      SPANPROF_EXPORTERS: 'file,pyroscope',
      SPANPROF_PYROSCOPE_ENDPOINT: setting.sink,
    }),
    spans: true,
    uploads: true,
    labels: 'samples',
  },
  {
    name: 'datadog-pprof',
    title: '@datadog/pprof',
    adapter: 'datadog-pprof',
    peer: '@datadog/pprof',
    labels: 'samples',
  },
  {
    name: 'pyroscope',
    title: '@pyroscope/nodejs',
    adapter: 'pyroscope',
    peer: '@pyroscope/nodejs',
    uploads: true,
    labels: 'samples',
  },
  {
    name: 'dd-trace-off',
    title: 'dd-trace, profiling off',
    adapter: 'dd-trace',
    peer: 'dd-trace',
    args: () => ['--require', peerPath('dd-trace/init')],
    env: (setting) => ({ ...datadog(setting), DD_PROFILING_ENABLED: 'false' }),
  },
  {
    name: 'dd-trace',
    title: 'dd-trace, profiling on',
    adapter: 'dd-trace',
    peer: 'dd-trace',
    args: () => ['--require', peerPath('dd-trace/init')],
    env: (setting) => ({ ...datadog(setting), DD_PROFILING_ENABLED: 'true' }),
    uploads: true,
    labels: 'samples',
  },
  {
    name: 'flame',
    title: '@platformatic/flame (1 kHz)',
    adapter: 'nothing',
    peer: '@platformatic/flame',
    // What `flame run` does, with the Node at hand.
    args: () => ['--require', join(peerPath('@platformatic/flame'), '../../preload.js')],
    env: () => ({
      FLAME_AUTO_START: 'true',
      FLAME_DELAY: 'until-started',
      FLAME_MD_FORMAT: 'summary',
    }),
  },
  {
    name: 'cpu-prof',
    title: 'node --cpu-prof (1 kHz)',
    adapter: 'nothing',
    args: ({ folder }) => ['--cpu-prof', `--cpu-prof-dir=${folder}`],
  },
];

/** @param {string} name @returns {Variant} */
export function variantOf(name) {
  const found = variants.find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`no variant ${name}`);
  return found;
}

/** Why a variant cannot run on this Node, in its own words. @param {Variant} variant @param {number} major */
export function unavailable({ peer }, major) {
  if (peer === undefined) return undefined;
  const wanted = peerManifest(peer).engines?.node;
  const least = Number(/>=\s*v?(\d+)/.exec(wanted ?? '')?.[1] ?? 0);
  return major < least ? `needs Node ${wanted}` : undefined;
}
