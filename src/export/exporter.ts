import type { ProfileType } from '../profile/model.ts';
import type { Milliseconds } from '../units.ts';

/** One finished window of one profile type, encoded and compressed: what travels to a destination. */
export interface EncodedProfile {
  readonly profileType: ProfileType;
  /** Start and end of the window, milliseconds since the Unix epoch. */
  readonly startMillis: Milliseconds;
  readonly endMillis: Milliseconds;
  readonly serviceName: string;
  readonly processId: number;
  /** Worker thread id; undefined on the main thread. */
  readonly threadId: number | undefined;
  /** gzip-compressed pprof. */
  readonly pprof: Uint8Array;
}

/** What a destination has done so far; part of `status()`. */
export interface ExporterStatus {
  readonly name: string;
  /** Where it writes to: a directory, a URL without credentials. */
  readonly destination: string;
  readonly exported: number;
  /** Profiles given up, by reason (an error code of `errors.ts`). */
  readonly dropped: Readonly<Record<string, number>>;
  readonly lastError: string | undefined;
}

/**
 * One destination. Implement this to add one.
 *
 * Contract: neither method throws or rejects for anything the destination does; failures are
 * counted in `status()` and reported once through the `report` function given at construction.
 */
export interface Exporter {
  readonly name: string;
  /** Takes one profile; resolves when it is stored, or given up and counted. */
  export(profile: EncodedProfile): Promise<void>;
  /** The same without waiting for anything: called while the process exits. */
  exportSync(profile: EncodedProfile): void;
  status(): ExporterStatus;
  /** Called before `close`: a last try, now, to deliver what waits. Time-capped by the caller. */
  flush?(): Promise<void>;
  /** The same while the process exits, after the last `exportSync`; must return in that time. */
  flushSync?(timeoutMillis: Milliseconds): void;
  /** Called once, after the last profile; ends timers and connections. */
  close?(): Promise<void>;
}
