import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { type ErrorCode, messageOf } from '../errors.ts';
import { type Bytes, bytes, type Milliseconds } from '../units.ts';
import { attempt } from './attempt.ts';
import { backoffMillis } from './backoff.ts';
import type { Destination, SendOutcome } from './destination.ts';
import type { EncodedProfile, Exporter, ExporterStatus } from './exporter.ts';
import { runLastAct } from './last-act-process.ts';
import { outside } from './outside.ts';
import { Spool } from './spool.ts';
import { startOfSpoolFile } from './spool-file.ts';
import { HEARTBEAT_MILLIS } from './spool-owner.ts';
import { type Entry, WaitingList } from './waiting-list.ts';

export interface QueueOptions {
  readonly spoolDirectory: string;
  /** Bound of what waits on the disk, whichever process or destination it belongs to. */
  readonly spoolMaxBytes: Bytes;
  readonly spoolMaxAgeMillis: Milliseconds;
  /** A window is so old when it ends: its age counts from there. */
  readonly windowMillis: Milliseconds;
  /** One attempt may take so long. */
  readonly timeoutMillis: Milliseconds;
  /** Wait after a first failure; it doubles up to `maxRetryMillis`. */
  readonly firstRetryMillis: Milliseconds;
  readonly maxRetryMillis: Milliseconds;
  /**
   * Input of the program that sends what is left when the process ends, as JSON. Without it that is
   * left to the next start.
   */
  readonly lastAct?: object;
  /** Told one line when something goes wrong; once per kind of trouble until a profile is stored. */
  readonly report: (message: string) => void;
}

export interface QueueStatus extends ExporterStatus {
  /** `waiting`: the destination fails, and one profile tries it now and then. */
  readonly state: 'sending' | 'waiting';
  /** Profiles not yet stored; how many of them are only in memory; bytes on disk. */
  readonly waiting: number;
  readonly inMemoryOnly: number;
  readonly spoolBytes: Bytes;
  /** Taken over from processes that are gone. */
  readonly adopted: number;
  readonly attempts: number;
  readonly failedAttempts: number;
}

/**
 * A destination that answers again and again with an error may mean this one profile. After so many
 * such answers the next profile is tried. If that one is stored, the destination is well again or the
 * first was at fault: the first is tried once more, and dropped if that, too, is answered so. An outage
 * of ten minutes, 25 attempts at most with the default waits, is to end with the profiles in order.
 */
const FAILURES_UNTIL_SUSPECT = 30;

/**
 * Brings profiles to a destination, in order and one at a time, through outages and restarts.
 *
 * A profile is on disk before it is first sent and leaves it when the destination has answered, so
 * a process that is killed loses none. While the destination fails, the oldest profile alone is tried
 * after growing waits; all others rest on the disk. Delivery is at least once: if the destination
 * stores a profile and its answer is lost, the profile is sent again.
 */
export class QueueExporter implements Exporter {
  readonly name: string;
  readonly #destination: Destination;
  readonly #options: QueueOptions;
  readonly #spool: Spool;
  readonly #waiting = new WaitingList();
  /** What `export` was given, for as long as somebody holds on to the profile. */
  readonly #begun = new WeakMap<EncodedProfile, Entry>();
  /** On disk, by other processes and for other destinations. */
  #othersBytes = 0;
  /** Failed attempts since the last one that was answered as it should be. */
  #failures = 0;
  #notBeforeMillis = 0;
  #pumping: Promise<void> | undefined;
  /** The one being sent or tried next. */
  #current: Entry | undefined;
  /** It failed again and again, and the one after it was stored. */
  #accused: Entry | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #housekeeping: NodeJS.Timeout | undefined;
  #keepingHouse: Promise<void> | undefined;
  readonly #closing = new AbortController();
  readonly #dropped: Partial<Record<ErrorCode, number>> = {};
  readonly #said = new Set<ErrorCode>();
  #exported = 0;
  #adopted = 0;
  #attempts = 0;
  #failedAttempts = 0;
  #lastError: string | undefined;

  constructor(destination: Destination, options: QueueOptions) {
    this.name = destination.name;
    this.#destination = destination;
    this.#options = options;
    const key = destination.spoolKey ?? destination.address;
    this.#spool = new Spool(options.spoolDirectory, destination.name, key);
    outside(() => {
      this.#housekeeping = setInterval(() => void this.#keepHouse(), HEARTBEAT_MILLIS).unref();
      void this.#keepHouse();
    });
  }

  /**
   * Resolves when the profile is stored or given up and counted; while the destination fails, when
   * it is on disk.
   */
  async export(profile: EncodedProfile): Promise<void> {
    await new Promise<void>((resolve) => {
      const entry = this.#enqueue(profile, resolve);
      outside(() => {
        entry.ready = this.#writeAhead(entry, profile);
        void entry.ready.then(() => this.#pump());
      });
    });
  }

  /** Leaves the profile on disk for the next start, where one that `export` was given is already. */
  exportSync(profile: EncodedProfile): void {
    const begun = this.#begun.get(profile);
    const entry = begun ?? this.#enqueue(profile, () => {});
    if (entry.isOnDisk || !this.#waiting.has(entry)) return;
    try {
      this.#spool.saveSync(entry.place, profile);
      this.#waiting.landed(entry);
    } catch (error) {
      this.#drop(entry, 'SPOOL_UNWRITABLE', { reason: reasonOf(error) });
    }
  }

  status(): QueueStatus {
    const { entries, diskBytes } = this.#waiting;
    return {
      name: this.name,
      destination: this.#destination.address,
      exported: this.#exported,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
      state: this.#failures > 0 ? 'waiting' : 'sending',
      waiting: entries.length,
      inMemoryOnly: entries.filter(({ isOnDisk }) => !isOnDisk).length,
      spoolBytes: bytes(diskBytes),
      adopted: this.#adopted,
      attempts: this.#attempts,
      failedAttempts: this.#failedAttempts,
    };
  }

  /**
   * At the end of the process: gives up what waits, for a program of ours that has it sent before this
   * returns, or for the next start. Nothing is tried if the destination fails anyway.
   */
  flushSync(timeoutMillis: Milliseconds): void {
    this.#closing.abort();
    const isWorthIt = this.#waiting.diskBytes > 0 && this.#failures === 0;
    this.#spool.leaveSync();
    const { lastAct } = this.#options;
    if (lastAct !== undefined && isWorthIt) runLastAct(lastAct, timeoutMillis);
  }

  /** Looks now for what processes that are gone have left. */
  adopt(): Promise<void> {
    return outside(() => this.#keepHouse());
  }

  /** Sends what waits without waiting any longer, until all is stored or an attempt fails. */
  async flush(): Promise<void> {
    await this.#pumping;
    this.#notBeforeMillis = 0;
    this.#pump();
    await this.#pumping;
  }

  /** Ends an attempt under way. What is left stays on disk, for any process with this destination. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#housekeeping);
    clearTimeout(this.#retryTimer);
    await this.#pumping;
    for (const { ready } of this.#waiting.entries) await ready;
    for (const { settle } of this.#waiting.entries) settle();
    await this.#spool.leave();
    await this.#destination.close();
  }

  // ---- in ------------------------------------------------------------------------------------------

  #enqueue(profile: EncodedProfile, settle: () => void): Entry {
    const entry: Entry = {
      place: this.#spool.place(profile),
      profile,
      isOnDisk: false,
      ready: Promise.resolve(),
      isReady: false,
      failures: 0,
      settle,
    };
    this.#begun.set(profile, entry);
    this.#waiting.add(entry);
    return entry;
  }

  async #writeAhead(entry: Entry, profile: EncodedProfile): Promise<void> {
    try {
      await this.#spool.save(entry.place, profile);
      this.#waiting.landed(entry);
    } catch (error) {
      this.#say('SPOOL_UNWRITABLE', { reason: reasonOf(error) });
    }
    entry.isReady = true;
    if (this.#failures > 0) this.#park(entry);
    this.#keepBounds();
  }

  /**
   * It may take a while: memory is freed, and whoever handed the profile over need not wait. One
   * that is still being written is left alone, so that the end of the process finishes it.
   */
  #park(entry: Entry): void {
    if (!entry.isReady) return;
    // The one to be tried next stays in memory: it is read once in an outage, not at every attempt.
    if (entry.isOnDisk && entry !== this.#current) entry.profile = undefined;
    entry.settle();
  }

  #keepBounds(): void {
    const { spoolMaxBytes } = this.#options;
    const room = Math.max(0, spoolMaxBytes - this.#othersBytes);
    for (const entry of this.#waiting.surplusOnDisk(room)) this.#dropWaiting(entry, 'SPOOL_FULL');
    for (const entry of this.#waiting.surplusInMemory()) this.#dropWaiting(entry, 'QUEUE_FULL');
    const oldest = this.#oldestMillis();
    for (const entry of this.#waiting.entries.slice()) {
      // In order of their windows, so the first that is young enough ends it.
      if ((startOfSpoolFile(entry.place.name) ?? 0) >= oldest) break;
      this.#dropWaiting(entry, 'SPOOL_EXPIRED');
    }
  }

  /** Start of the oldest window that is kept. */
  #oldestMillis(): number {
    const { spoolMaxAgeMillis, windowMillis } = this.#options;
    return Date.now() - windowMillis - spoolMaxAgeMillis;
  }

  /** Not what is being sent right now: it would be counted as lost and stored all the same. */
  #dropWaiting(entry: Entry, code: ErrorCode): void {
    if (entry !== this.#current || this.#pumping === undefined) this.#drop(entry, code);
  }

  /** Shows that this process is alive, and takes over what dead ones left. Never rejects. */
  #keepHouse(): Promise<void> {
    this.#keepingHouse ??= this.#touchAndAdopt().finally(() => {
      this.#keepingHouse = undefined;
    });
    return this.#keepingHouse;
  }

  async #touchAndAdopt(): Promise<void> {
    try {
      if (this.#waiting.entries.length > 0) await this.#spool.touch();
      const { adopted, othersBytes, expired } = await this.#spool.scan(this.#oldestMillis());
      this.#othersBytes = othersBytes;
      if (expired > 0) this.#lost('SPOOL_EXPIRED', expired);
      this.#adopted += adopted.length;
      for (const place of adopted) {
        this.#waiting.add({
          place,
          profile: undefined,
          isOnDisk: true,
          ready: Promise.resolve(),
          isReady: true,
          failures: 0,
          settle: () => {},
        });
      }
      this.#keepBounds();
      this.#pump();
    } catch (error) {
      this.#say('SPOOL_UNWRITABLE', { reason: reasonOf(error) });
    }
  }

  // ---- out -----------------------------------------------------------------------------------------

  /** Sends what waits, unless that is under way or it is too early. */
  #pump(): void {
    if (this.#pumping !== undefined || this.#closing.signal.aborted) return;
    const waitMillis = this.#notBeforeMillis - Date.now();
    clearTimeout(this.#retryTimer);
    outside(() => {
      if (waitMillis > 0) {
        this.#retryTimer = setTimeout(() => this.#pump(), waitMillis).unref();
        return;
      }
      this.#pumping = this.#sendAll()
        .catch((error: unknown) => {
          this.#backOff();
          this.#say('INTERNAL', { part: `${this.name} queue`, reason: reasonOf(error) });
        })
        .finally(() => {
          this.#pumping = undefined;
          if (this.#waiting.entries.length > 0) this.#pump();
        });
    });
  }

  /** Sends one after another until nothing is left or the destination fails. */
  async #sendAll(): Promise<void> {
    for (;;) {
      this.#keepBounds();
      const entry = this.#next();
      if (entry === undefined || this.#closing.signal.aborted) return;
      this.#current = entry;
      await entry.ready;
      const profile = await this.#profileOf(entry);
      if (profile === undefined) continue;
      this.#attempts += 1;
      const { timeoutMillis } = this.#options;
      const { signal } = this.#closing;
      const outcome = this.#judged(
        entry,
        await attempt(this.#destination, profile, timeoutMillis, signal),
      );
      if (this.#closing.signal.aborted && outcome.kind === 'retry') return;
      if (outcome.kind === 'retry') {
        this.#failed(entry, outcome);
        return;
      }
      await this.#answered(entry, outcome);
    }
  }

  /** The oldest one, or, when that one is suspect, the next every other time. */
  #next(): Entry | undefined {
    const [first, second] = this.#waiting.entries;
    const isSuspect = first !== undefined && first.failures >= FAILURES_UNTIL_SUSPECT;
    return isSuspect && second !== undefined && this.#failures % 2 === 1 ? second : first;
  }

  /** What to send; undefined if it is gone or damaged, and then the entry is gone, too. */
  async #profileOf(entry: Entry): Promise<EncodedProfile | undefined> {
    if (!entry.isOnDisk) return entry.profile;
    try {
      if (entry.profile !== undefined && (await this.#spool.holds(entry.place))) {
        return entry.profile;
      }
      const onDamaged = (file: string) => this.#drop(entry, 'SPOOL_DAMAGED', { file });
      entry.profile = await this.#spool.load(entry.place, onDamaged);
    } catch (error) {
      this.#drop(entry, 'SPOOL_UNREADABLE', { reason: reasonOf(error) });
      return undefined;
    }
    if (entry.profile === undefined && this.#waiting.remove(entry)) entry.settle();
    return entry.profile;
  }

  /** The accused that is answered with a failure once more is at fault. */
  #judged(entry: Entry, outcome: SendOutcome): SendOutcome {
    const isAnswer = outcome.kind === 'retry' && outcome.isAnswer === true;
    if (!isAnswer || entry !== this.#accused) return outcome;
    const reason = `it failed ${entry.failures + 1} times, the next one did not: ${outcome.reason}`;
    return { kind: 'rejected', reason };
  }

  #failed(entry: Entry, outcome: Extract<SendOutcome, { kind: 'retry' }>): void {
    this.#failedAttempts += 1;
    if (outcome.isAnswer === true) entry.failures += 1;
    this.#accused = undefined;
    this.#backOff(outcome.afterMillis);
    this.#say('DESTINATION_FAILING', { reason: outcome.reason });
    for (const waiting of this.#waiting.entries) this.#park(waiting);
  }

  /** Leaves the destination alone for a while, the longer the more often it has failed. */
  #backOff(askedMillis?: Milliseconds): void {
    this.#failures += 1;
    const { firstRetryMillis: firstMillis, maxRetryMillis: maxMillis } = this.#options;
    const wait = backoffMillis({ firstMillis, maxMillis }, this.#failures, askedMillis);
    this.#notBeforeMillis = Date.now() + wait;
  }

  async #answered(entry: Entry, outcome: Exclude<SendOutcome, { kind: 'retry' }>): Promise<void> {
    this.#failures = 0;
    this.#notBeforeMillis = 0;
    this.#accused = undefined;
    if (outcome.kind === 'rejected') {
      this.#drop(entry, 'PROFILE_REJECTED', { reason: outcome.reason });
      return;
    }
    this.#said.clear();
    const [first] = this.#waiting.entries;
    const isSuspect = first !== entry && (first?.failures ?? 0) >= FAILURES_UNTIL_SUSPECT;
    if (isSuspect) this.#accused = first;
    this.#exported += 1;
    this.#waiting.remove(entry);
    if (entry.isOnDisk) await this.#spool.remove(entry.place);
    entry.settle();
  }

  // ---- losses --------------------------------------------------------------------------------------

  #drop(entry: Entry, code: ErrorCode, details: Readonly<Record<string, string>> = {}): void {
    if (this.#current === entry) this.#current = undefined;
    if (!this.#waiting.remove(entry)) return;
    if (entry.isOnDisk) void this.#spool.remove(entry.place);
    entry.settle();
    this.#lost(code, 1, details);
  }

  #lost(code: ErrorCode, count: number, details: Readonly<Record<string, string>> = {}): void {
    this.#dropped[code] = (this.#dropped[code] ?? 0) + count;
    this.#say(code, details);
  }

  #say(code: ErrorCode, details: Readonly<Record<string, string>>): void {
    const { address: destination } = this.#destination;
    const { directory } = this.#spool;
    const { name } = this;
    this.#lastError = messageOf(code, { name, destination, directory, ...details });
    if (this.#said.has(code)) return;
    this.#said.add(code);
    try {
      this.#options.report(this.#lastError);
    } catch {
      // Whoever listens has its own trouble; the profile is counted either way.
    }
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
