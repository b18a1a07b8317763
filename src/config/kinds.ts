/**
 * The kinds of values an option can have. A kind knows how to read a value given in code or TOML
 * (`read`), how to read the text of an environment variable (`readText`), what it expects in
 * words, and how to show a refused value without giving a secret away.
 */
import { resolve } from 'node:path';
import { readLabelCondition } from '../label-condition.ts';
import { readLabels, readLabelText } from './labels.ts';
import { show, showType, showUrl } from './show.ts';

/** A value that was accepted, or what is wrong; `undefined`: simply not what was expected. */
export type Reading<Value> = { readonly value: Value } | { readonly fault: string | undefined };

export interface Kind<Value, Input = Value> {
  /** What a value must be, for messages and documentation: `a whole number of hertz from 1 to 1000`. */
  readonly expected: string;
  read(raw: unknown, cwd: string): Reading<Value>;
  /** `text` is trimmed and not empty. */
  readText(text: string, cwd: string): Reading<Value>;
  /** A refused value, short, on one line, without secrets. */
  show(raw: unknown): string;
  /** Never set; carries the type a caller may pass. */
  readonly input?: Input;
}

const REFUSED = { fault: undefined } as const;

const FLAG_TEXTS = new Map([
  ['true', true],
  ['1', true],
  ['on', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['off', false],
  ['no', false],
]);

export function flag(): Kind<boolean> {
  return {
    expected: 'true or false',
    show,
    read: (raw) => (typeof raw === 'boolean' ? { value: raw } : REFUSED),
    readText: (text) => {
      const value = FLAG_TEXTS.get(text.toLowerCase());
      return value === undefined ? REFUSED : { value };
    },
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** In the plural, for the message; none for a plain number such as a port. */
  readonly unit?: string;
}

/** Digits with an optional sign and fraction: no hex, no exponent, no unit, nothing `Number` guesses. */
const DECIMAL = /^[+-]?\d+(\.\d+)?$/;

function number<Value extends number>(range: Range, whole: boolean): Kind<Value, number> {
  const read = (raw: unknown): Reading<Value> => {
    if (typeof raw !== 'number' || (whole && !Number.isSafeInteger(raw))) return REFUSED;
    return raw >= range.from && raw <= range.to ? { value: raw as Value } : REFUSED;
  };
  const unit = range.unit === undefined ? '' : ` of ${range.unit}`;
  return {
    expected: `a ${whole ? 'whole ' : ''}number${unit} from ${range.from} to ${range.to}`,
    show,
    read,
    readText: (text) => (DECIMAL.test(text) ? read(Number(text)) : REFUSED),
  };
}

/** A whole number in a closed range; `Value` is its branded unit. */
export const integer = <Value extends number = number>(range: Range): Kind<Value, number> =>
  number<Value>(range, true);

/** A number in a closed range, fractions allowed. */
export const decimal = (range: Range): Kind<number> => number<number>(range, false);

export function choice<const Name extends string>(...names: readonly Name[]): Kind<Name> {
  const read = (raw: unknown): Reading<Name> => {
    const value = names.find((name) => name === raw);
    return value === undefined ? REFUSED : { value };
  };
  return {
    expected: `one of ${names.join(', ')}`,
    show,
    read,
    readText: (text) => read(text.toLowerCase()),
  };
}

/** A list of names without repetition; a repeated name counts once. */
export function listOf<const Name extends string>(
  ...names: readonly Name[]
): Kind<readonly Name[]> {
  const expected = `a list of ${names.join(', ')}`;
  const read = (raw: unknown): Reading<readonly Name[]> => {
    if (!Array.isArray(raw)) return REFUSED;
    const value = new Set<Name>();
    for (const item of raw as readonly unknown[]) {
      const name = names.find((one) => one === item);
      if (name === undefined) return { fault: `expected ${expected}, got ${show(item)} in it` };
      value.add(name);
    }
    return { value: [...value] };
  };
  return {
    expected,
    show,
    read,
    readText: (text) => read(splitList(text.toLowerCase())),
  };
}

/** Longer names are no labels: see `labels.ts`. */
const MAX_NAME_LENGTH = 64;
/** No service has use for more, and each costs series. */
const MAX_NAMES = 20;

/** A list of names of labels; a repeated one counts once. */
export function names(): Kind<readonly string[]> {
  const expected = `a list of at most ${MAX_NAMES} names of 1 to ${MAX_NAME_LENGTH} characters`;
  const name = text(MAX_NAME_LENGTH);
  const read = (raw: unknown): Reading<readonly string[]> => {
    if (!Array.isArray(raw)) return REFUSED;
    const value = new Set<string>();
    for (const item of raw as readonly unknown[]) {
      const reading = name.read(item, '');
      if (!('value' in reading)) return { fault: `expected ${expected}, got ${show(item)} in it` };
      value.add(reading.value);
    }
    return value.size > MAX_NAMES ? REFUSED : { value: [...value] };
  };
  return { expected, show, read, readText: (text) => read(splitList(text)) };
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Long enough for any token or name in use; a bound, because values travel in headers and labels. */
const MAX_TEXT_LENGTH = 4096;

/** A line break in a header or a file name is an attack or a slip, never meant. */
const CONTROL = /\p{Cc}/u;

export function text(maxLength = MAX_TEXT_LENGTH): Kind<string> {
  const read = (raw: unknown): Reading<string> => {
    if (typeof raw !== 'string' || raw.trim() === '' || raw.length > maxLength) return REFUSED;
    return CONTROL.test(raw) ? { fault: 'must not contain control characters' } : { value: raw };
  };
  return { expected: `a string of 1 to ${maxLength} characters`, show, read, readText: read };
}

/** A list of texts, each of at most so many characters. */
export function textList(bounds: {
  readonly maxItems: number;
  readonly maxLength: number;
}): Kind<readonly string[]> {
  const item = text(bounds.maxLength);
  const read = (raw: unknown, cwd: string): Reading<readonly string[]> => {
    if (!Array.isArray(raw) || raw.length > bounds.maxItems) return REFUSED;
    const value: string[] = [];
    for (const one of raw as readonly unknown[]) {
      const reading = item.read(one, cwd);
      if (!('value' in reading)) return reading;
      value.push(reading.value);
    }
    return { value };
  };
  return {
    expected: `a list of at most ${bounds.maxItems} strings of 1 to ${bounds.maxLength} characters`,
    show,
    read,
    readText: (given, cwd) => read(splitList(given), cwd),
  };
}

const MAX_CONDITIONS = 32;

/** Conditions on labels of samples. */
export function conditions(): Kind<readonly string[]> {
  const expected = `a list of at most ${MAX_CONDITIONS} conditions NAME=VALUE or NAME!=VALUE`;
  const read = (raw: unknown, cwd: string): Reading<readonly string[]> => {
    const reading = texts.read(raw, cwd);
    if (!('value' in reading)) return reading;
    const wrong = reading.value.find((one) => readLabelCondition(one) === undefined);
    if (wrong === undefined) return reading;
    return { fault: `expected ${expected}, got ${show(wrong)} in it` };
  };
  const texts = textList({ maxItems: MAX_CONDITIONS, maxLength: MAX_TEXT_LENGTH });
  return { expected, show, read, readText: (given, cwd) => read(splitList(given), cwd) };
}

/** Text whose value appears in no message. */
export const secret = (): Kind<string> => ({ ...text(), show: showType });

/** An absolute path; relative ones start at the working directory. */
export function path(): Kind<string> {
  const plain = text();
  const read = (raw: unknown, cwd: string): Reading<string> => {
    const reading = plain.read(raw, cwd);
    return 'value' in reading ? { value: resolve(cwd, reading.value) } : reading;
  };
  return { expected: 'a path', show, read, readText: read };
}

/** Kept as written, apart from slashes at the end. */
export function url(): Kind<string> {
  const read = (raw: unknown): Reading<string> => {
    if (typeof raw !== 'string' || raw.length > MAX_TEXT_LENGTH) return REFUSED;
    if (CONTROL.test(raw) || !URL.canParse(raw)) return REFUSED;
    const { protocol, username, password } = new URL(raw);
    if (protocol !== 'http:' && protocol !== 'https:') return REFUSED;
    if (username !== '' || password !== '') return REFUSED;
    return { value: raw.trim().replace(/\/+$/, '') };
  };
  return {
    expected: 'an http or https URL without user and password',
    show: showUrl,
    read,
    readText: read,
  };
}

export function labels(): Kind<Readonly<Record<string, string | number>>> {
  return {
    expected: 'labels by name, each a string or a whole number',
    show,
    read: (raw) => readLabels(raw),
    readText: (given) => readLabelText(given, false),
  };
}

/** What RFC 9110 calls a token. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const MAX_HEADERS = 32;

/** HTTP headers; in text `name=value,name=value`. Values can be credentials and appear in no message. */
export function headers(): Kind<Readonly<Record<string, string>>> {
  const read = (raw: unknown): Reading<Readonly<Record<string, string>>> => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return REFUSED;
    const value = new Map<string, string>();
    for (const [name, text] of Object.entries(raw) as [string, unknown][]) {
      if (!HEADER_NAME.test(name)) return { fault: `header ${show(name)}: not a name of a header` };
      if (typeof text !== 'string' || text.length > MAX_TEXT_LENGTH || CONTROL.test(text)) {
        return { fault: `header ${name}: expected one line of text` };
      }
      value.set(name.toLowerCase(), text);
    }
    return value.size > MAX_HEADERS ? REFUSED : { value: Object.fromEntries(value) };
  };
  return {
    expected: `headers by name, each a string, at most ${MAX_HEADERS}`,
    show: showType,
    read,
    readText: (given) => {
      const pairs = splitList(given).map((pair) =>
        pair.split(/=(.*)/s, 2).map((part) => part.trim()),
      );
      if (pairs.some((pair) => pair.length < 2)) return { fault: 'not of the form name=value' };
      return read(Object.fromEntries(pairs));
    },
  };
}
