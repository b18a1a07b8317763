/** Exporters that the application brings itself. */
import { clearTimeout, setTimeout } from 'node:timers';
import { type Options, SCHEMA } from '../config/schema.ts';
import { type ErrorCode, messageOf, type Problem, SpanprofError } from '../errors.ts';
import { MILLIS_PER_SECOND, type Milliseconds } from '../units.ts';
import type { Destination } from './destination.ts';
import type { EncodedProfile, Exporter, ExporterStatus } from './exporter.ts';
import type { Route } from './route.ts';

export type OwnExporter = (Exporter | Destination) & Route;
type Names = NonNullable<Options['exporters']>;

/** The options of `start`: `exporters` may also hold objects, beside the names. */
export interface StartOptions extends Omit<Options, 'exporters'> {
  readonly exporters?: readonly (Names[number] | OwnExporter)[] | undefined;
}

/**
 * Takes the objects out of `exporters`. Throws a `SpanprofError` with code `CONFIG_INVALID` for an
 * object that is neither an exporter nor a destination.
 */
export function takeOwnExporters(options: StartOptions | undefined): {
  options: Options | undefined;
  own: OwnExporter[];
} {
  const given: unknown = options?.exporters;
  if (options === undefined || !Array.isArray(given))
    return { options: options as Options, own: [] };
  const objects = given.filter((one): one is object => typeof one === 'object' && one !== null);
  const problems = objects.flatMap((one): Problem[] =>
    isOwnExporter(one)
      ? routeProblems(one)
      : [{ option: 'exporters', message: EXPECTED, source: 'option' }],
  );
  if (problems.length > 0) {
    const lines = problems.map(
      ({ option, message, source }) => `  ${option}: ${message} (${source})`,
    );
    const details = { count: problems.length, problems: lines.join('\n') };
    throw new SpanprofError('CONFIG_INVALID', details, problems);
  }
  // Whatever else stands there is for the configuration to judge.
  const names = given.filter((one) => typeof one !== 'object' || one === null) as Names;
  return { options: { ...options, exporters: names }, own: objects as OwnExporter[] };
}

const EXPECTED =
  'expected an object with a name and either export, exportSync and status, or address, send and close; a spoolKey is a string';

function isOwnExporter(value: object): value is OwnExporter {
  const has = (key: string, type: string) => typeof Reflect.get(value, key) === type;
  if (!has('name', 'string')) return false;
  if (has('send', 'function')) {
    const hasKey = has('spoolKey', 'string') || has('spoolKey', 'undefined');
    return hasKey && has('address', 'string') && has('close', 'function');
  }
  return ['export', 'exportSync', 'status'].every((key) => has(key, 'function'));
}

/** What its route says is checked as that of our own exporters is. */
function routeProblems(own: OwnExporter): Problem[] {
  const { types, filter, intervalSeconds } = SCHEMA.pyroscope;
  return Object.entries({ types, filter, intervalSeconds }).flatMap(
    ([key, { kind }]): Problem[] => {
      const value: unknown = Reflect.get(own, key);
      const reading = value === undefined ? { value } : kind.read(value, '');
      if ('value' in reading) return [];
      const message = reading.fault ?? `expected ${kind.expected}, got ${kind.show(value)}`;
      return [{ option: `exporters.${own.name}.${key}`, message, source: 'option' }];
    },
  );
}

export const isDestination = (own: OwnExporter): own is Destination & Route => 'send' in own;

/**
 * An exporter of somebody else: what it throws is counted and said, and goes no further. So is an
 * `export` that does not end in time, or it would hold on to every profile there is.
 */
export class GuardedExporter implements Exporter {
  readonly name: string;
  readonly #exporter: Exporter;
  readonly #timeoutMillis: Milliseconds;
  readonly #report: (message: string) => void;
  #failures = 0;
  #lastError: string | undefined;

  constructor(exporter: Exporter, timeoutMillis: Milliseconds, report: (message: string) => void) {
    this.name = exporter.name;
    this.#exporter = exporter;
    this.#timeoutMillis = timeoutMillis;
    this.#report = report;
  }

  async export(profile: EncodedProfile): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const end = new Promise<never>((_, reject) => {
      const reason = `export() took longer than ${this.#timeoutMillis / MILLIS_PER_SECOND} s`;
      timer = setTimeout(() => reject(new Error(reason)), this.#timeoutMillis).unref();
    });
    try {
      await Promise.race([this.#exporter.export(profile), end]);
    } catch (error) {
      this.#failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  exportSync(profile: EncodedProfile): void {
    try {
      this.#exporter.exportSync(profile);
    } catch (error) {
      this.#failed(error);
    }
  }

  status(): ExporterStatus {
    const failures = this.#failures === 0 ? {} : { [FAILED]: this.#failures };
    try {
      const status = this.#exporter.status();
      const { dropped, lastError = this.#lastError } = status;
      return { ...status, dropped: { ...dropped, ...failures }, lastError };
    } catch (error) {
      const lastError = String(error);
      return { name: this.name, destination: '', exported: 0, dropped: failures, lastError };
    }
  }

  async flush(): Promise<void> {
    await this.#exporter.flush?.();
  }

  flushSync(timeoutMillis: Milliseconds): void {
    try {
      this.#exporter.flushSync?.(timeoutMillis);
    } catch (error) {
      this.#failed(error);
    }
  }

  async close(): Promise<void> {
    await this.#exporter.close?.();
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.#lastError = messageOf(FAILED, { name: this.name, reason });
    this.#report(this.#lastError);
  }
}

const FAILED = 'EXPORTER_FAILED' satisfies ErrorCode;
