/** How refused values and unknown names appear in messages: short, on one line. */

const MAX_SHOWN_LENGTH = 60;

const shorten = (text: string): string =>
  text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;

/** A value: strings in quotes, numbers and booleans as they are, everything else by its type. */
export function show(raw: unknown): string {
  if (typeof raw === 'string') return JSON.stringify(shorten(raw));
  if (typeof raw === 'number' || typeof raw === 'boolean' || raw === null) return String(raw);
  if (typeof raw === 'bigint') return shorten(`${raw}n`);
  return showType(raw);
}

/** Only the type of a value: for secrets. */
export function showType(raw: unknown): string {
  if (raw === null || raw === undefined) return String(raw);
  if (Array.isArray(raw)) return 'a list';
  if (raw instanceof Date) return 'a date';
  if (typeof raw === 'string') return raw === '' ? 'an empty string' : 'a string';
  return typeof raw === 'object' ? 'an object' : `a ${typeof raw}`;
}

/** A URL with whatever stands before an `@` (user, password) left out. */
export function showUrl(raw: unknown): string {
  return show(typeof raw === 'string' ? raw.replace(/^(\w+:\/*)?.*@/su, '$1***@') : raw);
}

/** A key or path somebody wrote; quoted when it has characters no option has. */
export function showName(name: string): string {
  return /^[\w.: -]+$/.test(name) && name.length <= MAX_SHOWN_LENGTH ? name : show(name);
}

/** An object literal, of this or another realm, with or without a prototype; not a class instance. */
export function isPlainObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  if (typeof raw !== 'object' || raw === null) return false;
  const prototype: unknown = Object.getPrototypeOf(raw);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
