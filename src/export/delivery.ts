/**
 * From finished windows to the destinations: built, to each its share, encoded, compressed off the main
 * thread, handed over. Building and encoding are the longest that a window holds the event loop, so
 * on the main thread each profile has turns of its own for them. A worker may be terminated before its
 * event loop comes round again: there nothing waits. Whatever is under way when the process ends is
 * finished synchronously.
 */
import { clearImmediate, setImmediate } from 'node:timers';
import { zlib } from '../builtins.ts';
import { encode } from '../profile/encode.ts';
import type { Profile } from '../profile/model.ts';
import type { Unbuilt } from '../profile/unbuilt.ts';
import { milliseconds, nanosToMillis } from '../units.ts';
import type { EncodedProfile, Exporter } from './exporter.ts';
import { outside } from './outside.ts';
import type { Outlet } from './route.ts';
import { type Share, sharesOf } from './share.ts';

/** Whose profiles these are. */
export interface Identity {
  readonly serviceName: string;
  readonly processId: number;
  readonly threadId: number | undefined;
}

export interface DeliveryOptions {
  /** Whether building and encoding may wait for later turns of the event loop. */
  readonly inTurns: boolean;
  /**
   * Calls an action that must not be cut in two, by a signal that ends the process or otherwise, and
   * reports what it throws.
   */
  readonly whole: (action: () => void) => void;
}

/** A profile that is under way to the exporters of one share. */
interface Parcel {
  readonly profile: Profile;
  readonly waiting: Set<Exporter>;
  encoded: Uint8Array | undefined;
  compressed: EncodedProfile | undefined;
}

/** Profiles under way at once: a minute of one-second windows of four types, at 50 KB some 12 MB. */
const MAX_UNDER_WAY = 240;
/** Level 6 takes three times the CPU of level 1 for 5 % fewer bytes (measured on 5,000 samples). */
const GZIP_LEVEL = 1;

export class Delivery {
  readonly #shares: readonly Share[];
  readonly #identity: Identity;
  readonly #options: DeliveryOptions;
  /** What waits for a turn, in order; what is to be encoded was built before what is to be built. */
  readonly #toBuild: Unbuilt[] = [];
  readonly #toEncode: Parcel[] = [];
  /** Encoded. */
  readonly #underWay = new Map<Parcel, Promise<void>>();
  #nextTurn: NodeJS.Immediate | undefined;
  #delivered = 0;
  #dropped = 0;

  constructor(outlets: readonly Outlet[], identity: Identity, options: DeliveryOptions) {
    this.#shares = sharesOf(outlets);
    this.#identity = identity;
    this.#options = options;
  }

  /** Sends a window on its way; empty profiles go nowhere. */
  deliver(window: Unbuilt): void {
    if (this.#count() >= MAX_UNDER_WAY) {
      this.#dropped++;
      return;
    }
    this.#toBuild.push(window);
    if (this.#options.inTurns) this.#awaitTurn();
    else this.#settle();
  }

  /** Builds now what waits for that, and leaves the rest to its turns. */
  build(): void {
    for (const { build } of this.#toBuild) this.#options.whole(() => build());
  }

  /** Holds nothing back any more; resolves when all of it has arrived or was given up. */
  async drain(): Promise<void> {
    this.#settle();
    this.#options.whole(() => {
      for (const share of this.#shares) {
        for (const profile of share.rest()) this.#pack(profile, share);
      }
    });
    this.#settle();
    await Promise.all(this.#underWay.values());
  }

  /** A profile beside the windows, without waiting for anything: the process is about to end. */
  deliverSync(profile: Profile): void {
    for (const share of this.#shares) this.#sendNow(share.takeAtOnce(profile), share);
  }

  /**
   * Finishes synchronously what waits, is under way or held back, and the process's last windows. One
   * that fails is counted; the others arrive.
   */
  finishSync(last: readonly Unbuilt[] = []): void {
    const { whole } = this.#options;
    for (const parcel of [...this.#underWay.keys(), ...this.#toEncode.splice(0)]) {
      whole(() => this.#sendSync(parcel));
    }
    this.#underWay.clear();
    for (const window of this.#toBuild.splice(0)) {
      whole(() => {
        const profile = this.#counted(window.build);
        for (const share of this.#shares) this.#sendNow(share.take(profile), share);
      });
    }
    for (const window of last) whole(() => this.deliverSync(this.#counted(window.build)));
    for (const share of this.#shares) {
      for (const profile of share.rest()) whole(() => this.#sendNow(profile, share));
    }
    this.#forgetTurn();
  }

  // ---- turns ---------------------------------------------------------------------------------------

  /** Keeps the process alive until then, as compressing does: what follows takes milliseconds. */
  #awaitTurn(): void {
    this.#nextTurn ??= outside(() => setImmediate(this.#onTurn));
  }

  #forgetTurn(): void {
    clearImmediate(this.#nextTurn);
    this.#nextTurn = undefined;
  }

  readonly #onTurn = (): void => {
    this.#nextTurn = undefined;
    this.#step();
    if (this.#toEncode.length + this.#toBuild.length > 0) this.#awaitTurn();
  };

  #settle(): void {
    while (this.#step());
    this.#forgetTurn();
  }

  /** Encodes or builds one profile; false if none waits. */
  #step(): boolean {
    const { whole } = this.#options;
    const parcel = this.#toEncode.shift();
    if (parcel !== undefined) {
      whole(() => this.#send(parcel));
      return true;
    }
    const window = this.#toBuild.shift();
    if (window === undefined) return false;
    whole(() => {
      const profile = this.#counted(window.build);
      for (const share of this.#shares) this.#pack(share.take(profile), share);
    });
    return true;
  }

  #pack(profile: Profile | undefined, share: Share): void {
    if (profile === undefined || isEmpty(profile)) return;
    if (this.#count() < MAX_UNDER_WAY) this.#toEncode.push(parcelOf(profile, share));
    else this.#dropped++;
  }

  #send(parcel: Parcel): void {
    const encoded = this.#encoded(parcel);
    const done = this.#handOver(parcel, encoded)
      .catch(() => {
        this.#dropped++;
      })
      .finally(() => this.#underWay.delete(parcel));
    this.#underWay.set(parcel, done);
  }

  async #handOver(parcel: Parcel, encoded: Uint8Array): Promise<void> {
    const compressed = this.#finished(parcel, await compress(encoded));
    parcel.compressed = compressed;
    await Promise.all(
      [...parcel.waiting].map(async (exporter) => {
        await exporter.export(compressed);
        parcel.waiting.delete(exporter);
      }),
    );
    this.#delivered++;
  }

  // ---- at once -------------------------------------------------------------------------------------

  #sendNow(profile: Profile | undefined, share: Share): void {
    if (profile !== undefined && !isEmpty(profile)) this.#sendSync(parcelOf(profile, share));
  }

  #sendSync(parcel: Parcel): void {
    parcel.compressed ??= this.#finished(
      parcel,
      zlib().gzipSync(this.#encoded(parcel), { level: GZIP_LEVEL }),
    );
    // The same object as in an unfinished `export`, so that an exporter can tell it has begun.
    for (const exporter of parcel.waiting) exporter.exportSync(parcel.compressed);
    parcel.waiting.clear();
    this.#delivered++;
  }

  // ---- both ----------------------------------------------------------------------------------------

  #encoded(parcel: Parcel): Uint8Array {
    parcel.encoded ??= this.#counted(() => encode(parcel.profile));
    return parcel.encoded;
  }

  /** What cannot be made is lost: that is counted before it is reported. */
  #counted<Made>(make: () => Made): Made {
    try {
      return make();
    } catch (error) {
      this.#dropped++;
      throw error;
    }
  }

  #finished({ profile }: Parcel, pprof: Uint8Array): EncodedProfile {
    const startMillis = nanosToMillis(profile.timeNanos);
    const durationMillis = nanosToMillis(profile.durationNanos);
    return {
      profileType: profile.profileType,
      startMillis,
      endMillis: milliseconds(startMillis + durationMillis),
      ...this.#identity,
      pprof,
    };
  }

  #count(): number {
    return this.#toBuild.length + this.#toEncode.length + this.#underWay.size;
  }

  status(): { readonly delivered: number; readonly underWay: number; readonly dropped: number } {
    return { delivered: this.#delivered, underWay: this.#count(), dropped: this.#dropped };
  }
}

function parcelOf(profile: Profile, share: Share): Parcel {
  const waiting = new Set(share.exportersFor(profile.profileType));
  return { profile, waiting, encoded: undefined, compressed: undefined };
}

const isEmpty = ({ samples }: Profile): boolean => samples.stack.length === 0;

function compress(bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    zlib().gzip(bytes, { level: GZIP_LEVEL }, (error, compressed) => {
      if (error === null) resolve(compressed);
      else reject(error);
    });
  });
}
