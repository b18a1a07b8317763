import dns from 'node:dns';
import { setTimeout } from 'node:timers';

/** A look-up that the resolver knows at once to be none: no label of a name has 64 characters. */
const NO_NAME = `${'x'.repeat(64)}.invalid`;
const RETRY_MILLIS = 5;

type Lookup = (hostname: string, options: object, callback: (...result: unknown[]) => void) => void;

/** Decides what becomes of look-ups of one name, in the place of the operating system's resolver. */
export class Names {
  readonly name: string;
  mood: 'ok' | 'unknown' | 'hanging' = 'ok';
  /** The most look-ups of the name that were under way together. */
  mostAtOnce = 0;
  #underWay = 0;
  readonly #original = dns.lookup;

  constructor(name: string) {
    this.name = name;
  }

  take(): void {
    this.mood = 'ok';
    this.mostAtOnce = 0;
    Reflect.set(dns, 'lookup', this.#lookup);
  }

  giveBack(): void {
    this.mood = 'ok';
    Reflect.set(dns, 'lookup', this.#original);
  }

  readonly #lookup: Lookup = (hostname, options, callback) => {
    const original: Lookup = (...given) => void Reflect.apply(this.#original, dns, given);
    if (hostname !== this.name) return original(hostname, options, callback);
    this.#underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay);
    const answer = (): void => {
      if (this.mood === 'hanging') {
        setTimeout(answer, RETRY_MILLIS).unref();
        return;
      }
      original(this.mood === 'ok' ? '127.0.0.1' : NO_NAME, options, (...result) => {
        this.#underWay -= 1;
        callback(...result);
      });
    };
    answer();
  };
}
