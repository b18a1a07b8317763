/** The text argument `key`; a model that forgot it is told so. */
export function textArgument(
  input: Readonly<Record<string, unknown>>,
  key: string,
  maxLength = 200,
): string {
  const value = input[key];
  if (typeof value !== 'string' || value === '') throw new Error(`argument ${key} must be a text`);
  if (value.length > maxLength) throw new Error(`argument ${key} is longer than ${maxLength}`);
  return value;
}

/** Puts an entry last in `map` and drops the oldest ones beyond `maxEntries`. */
export function putBounded<V>(
  map: Map<string, V>,
  key: string,
  value: V,
  maxEntries: number,
): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= maxEntries) break;
    map.delete(oldest);
  }
}
