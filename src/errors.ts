/**
 * The one table of everything spanprof can complain about: code → what it says.
 * `docs/errors.md` is generated from it; a test keeps the two equal.
 *
 * A message says what is wrong and, where profiling goes on reduced, what still works.
 */

interface ErrorEntry {
  /** The message; `{name}` is replaced by the detail of that name. */
  readonly message: string;
  /** What the reader can do about it; for the documentation. */
  readonly remedy: string;
}

const table = {
  CONFIG_INVALID: {
    message: 'configuration has {count} problem(s); profiling is off:\n{problems}',
    remedy: 'Correct every line listed; each names the option, the value and where it came from.',
  },
  PROFILING_DISABLED: {
    message:
      'profiling is disabled here: `enabled` is false; nothing is recorded, on demand either',
    remedy:
      'Set SPANPROF_ENABLED=true, or leave it and `enabled` in start() away. To record on demand only, switch off cpu.enabled and heap.enabled instead.',
  },
  ADDON_UNAVAILABLE: {
    message:
      'native addon not available for {platform} ABI {abi} ({reason}); lost: bills, allocation profiles, leaks, source maps, labels of heap samples; labels of CPU samples come from async_hooks',
    remedy:
      'Install on linux-x64 glibc with Node 20, 22, 24 or 26, or allow the install script to build from source (needs a C++ compiler).',
  },
  CPU_PROFILER_BUSY: {
    message:
      'CPU profiling is off: another profiler already uses SIGPROF in this process; everything else works',
    remedy: 'Stop the other profiler (often @datadog/pprof, dd-trace or @pyroscope/nodejs) first.',
  },
  CPU_START_FAILED: {
    message: 'CPU profiling is off: {reason}; everything else works',
    remedy: 'Report it with the reason shown.',
  },
  HEAP_PROFILER_BUSY: {
    message:
      'heap profiling is off: something else already samples the heap in this thread; everything else works',
    remedy: 'Stop the other heap sampler (an inspector session or another profiler) first.',
  },
  HEAP_LABELS_UNAVAILABLE: {
    message: 'heap profiles carry no labels: {reason}; everything else works',
    remedy:
      'Report it with the Node version. SPANPROF_HEAP_LABELS=false switches heap labels off and this message with them.',
  },
  HEAP_START_FAILED: {
    message: 'heap profiling is off: {reason}; everything else works',
    remedy: 'Report it with the reason shown.',
  },
  FILE_DIRECTORY_UNWRITABLE: {
    message: 'profiles cannot be written to {directory} ({reason}); they are dropped and counted',
    remedy: 'Make the directory writable or set file.directory (SPANPROF_FILE_DIRECTORY).',
  },
  FILE_DISK_FULL: {
    message: 'no space left for profiles in {directory} ({reason}); they are dropped and counted',
    remedy: 'Free space or lower file.maxBytes (SPANPROF_FILE_MAX_BYTES).',
  },
  FILE_WRITE_FAILED: {
    message: 'a profile could not be written to {directory} ({reason}); it is dropped and counted',
    remedy: 'See the reason shown.',
  },
  EXPORTER_FAILED: {
    message: 'exporter {name} failed ({reason}); the profile is counted as dropped',
    remedy: 'Correct the exporter that was given to start(): it must not throw or reject.',
  },
  DESTINATION_FAILING: {
    message:
      '{name}: {destination} cannot take profiles ({reason}); they wait in {directory} and are sent when it can',
    remedy:
      'Nothing, if the server is down for a while. Otherwise check the address and the credentials; status().exporters shows what waits.',
  },
  PROFILE_REJECTED: {
    message: '{name}: {destination} refused a profile ({reason}); it is dropped and counted',
    remedy: 'See the reason shown; often a limit of the server. It is not sent again.',
  },
  SPOOL_FULL: {
    message:
      '{name}: more profiles wait in {directory} than may; the oldest are dropped and counted',
    remedy: 'Raise spool.maxBytes (SPANPROF_SPOOL_MAX_BYTES) or bring the destination back.',
  },
  SPOOL_EXPIRED: {
    message: '{name}: profiles waited too long in {directory}; they are dropped and counted',
    remedy:
      'Raise spool.maxAgeSeconds (SPANPROF_SPOOL_MAX_AGE_SECONDS) if the destination takes older ones.',
  },
  SPOOL_UNWRITABLE: {
    message:
      '{name}: profiles cannot be kept in {directory} ({reason}); they wait in memory and are lost if the process ends',
    remedy: 'Make the directory writable or set spool.directory (SPANPROF_SPOOL_DIRECTORY).',
  },
  SPOOL_UNREADABLE: {
    message:
      '{name}: a profile in {directory} cannot be read ({reason}); it is dropped and counted',
    remedy: 'See the reason shown.',
  },
  SPOOL_DAMAGED: {
    message: '{name}: a damaged profile was set aside as {file}; it is counted as dropped',
    remedy: 'Check the disk. The file may be deleted.',
  },
  QUEUE_FULL: {
    message: '{name}: more profiles wait in memory than may; the oldest are dropped and counted',
    remedy: 'Make spool.directory writable, so that profiles can wait on the disk.',
  },
  GCP_SETTING_INVALID: {
    message: 'Google Cloud Profiler is off: {reason}; everything else works',
    remedy: 'Correct the setting named.',
  },
  GCP_AUTH_LIBRARY_MISSING: {
    message:
      'Google Cloud Profiler is off: the package google-auth-library is not installed; everything else works',
    remedy: 'Run npm install google-auth-library@10 in the application.',
  },
  GCP_LABELS_LEFT_OUT: {
    message:
      'labels left out at Google Cloud Profiler, which has no room or name for them: {labels}',
    remedy:
      'Give fewer or shorter labels: a name is left with a-z, 0-9 and "-", two may become the same, and all together have 1024 bytes.',
  },
  GCP_CREDENTIALS_UNAVAILABLE: {
    message: 'no access to Google Cloud Profiler yet: {reason}; tried again later',
    remedy:
      'Give the machine a service account with the role Cloud Profiler Agent, or set GOOGLE_APPLICATION_CREDENTIALS and gcp.projectId.',
  },
  GCP_UNREACHABLE: {
    message: 'Google Cloud Profiler cannot be reached: {reason}; tried again later',
    remedy: 'Check the network, the proxy (HTTPS_PROXY) and gcp.endpoint.',
  },
  GCP_REFUSED: {
    message: 'Google Cloud Profiler refuses to be asked, {reason}; tried again later',
    remedy:
      '403 and 404: switch on the Cloud Profiler API in the project and give the service account the role Cloud Profiler Agent. 429: a quota is used up.',
  },
  GCP_REPLY_INVALID: {
    message: 'a reply of Google Cloud Profiler was refused: {reason}; tried again later',
    remedy: 'Check gcp.endpoint; if it is right, report it with the reason shown.',
  },
  GCP_PROFILE_MISSING: {
    message:
      'Google Cloud Profiler asked for a profile that could not be taken ({type}); it is not offered again',
    remedy: 'See status() for the state of the samplers.',
  },
  GCP_UPLOAD_FAILED: {
    message:
      'a profile could not be handed in to Google Cloud Profiler, {reason}; it is dropped and counted',
    remedy: 'See the reason shown.',
  },
  ENDPOINT_UNAVAILABLE: {
    message: 'the HTTP endpoint cannot be served: {reason}; everything else works',
    remedy:
      'Free the port or the socket, or set endpoint.port (SPANPROF_ENDPOINT_PORT) to another.',
  },
  LABEL_INVALID: {
    message: 'label {key} refused: {reason}',
    remedy:
      'Keys: 1-64 characters, not starting with "pprof::". Values: strings up to 256 characters or safe integers. At most 16 labels in a scope.',
  },
  PROFILE_INVALID: {
    message: 'not a usable profile: {reason}',
    remedy: 'Give a pprof file (profile.proto, gzipped or not) as a profiler wrote it.',
  },
  PROFILES_INCOMPATIBLE: {
    message: 'profiles cannot be put together: {reason}',
    remedy: 'Take profiles of one type, with the same value types and the same period type.',
  },
  INPUT_UNREADABLE: {
    message: '{source} cannot be read: {reason}',
    remedy: 'Give the command line a file, a folder of profiles or the URL of an endpoint.',
  },
  OUTPUT_UNWRITABLE: {
    message: '{file} cannot be written: {reason}',
    remedy: 'Give `-o` a path in a folder that exists and can be written.',
  },
  INTERNAL: {
    message: 'internal error in {part}: {reason}; the application is not affected',
    remedy: 'Report it with the reason shown.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof table;
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** One thing that is wrong with what the user gave us. */
export interface Problem {
  /** Option path in camelCase, e.g. `cpu.frequencyHertz`. */
  readonly option: string;
  /** What is wrong, with the range or the choices, without a final full stop. */
  readonly message: string;
  /** Where the value came from: `option`, `environment SPANPROF_…`, `file /etc/spanprof.toml:12`. */
  readonly source: string;
}

/** The text of one row of the table with its details filled in. */
export function messageOf(
  code: ErrorCode,
  details: Readonly<Record<string, string | number>> = {},
): string {
  return ERRORS[code].message.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(details[name] ?? `{${name}}`),
  );
}

/** The only error type spanprof throws. `code` is stable; `problems` lists everything wrong at once. */
export class SpanprofError extends Error {
  override readonly name = 'SpanprofError';
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(
    code: ErrorCode,
    details: Readonly<Record<string, string | number>> = {},
    problems: readonly Problem[] = [],
  ) {
    super(messageOf(code, details));
    this.code = code;
    this.problems = problems;
  }
}
