import dns, { type LookupAddress, type LookupOptions } from 'node:dns';

/** What `net` expects: one address with its family, or all of them. */
type Callback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** Look-ups under way, and who waits for each. */
const underWay = new Map<string, Callback[]>();

/**
 * `dns.lookup`, once for all who ask for the same name at the same time. It takes a thread of the
 * application's pool until the resolver answers or gives up, which cannot be cancelled: with one for
 * every attempt, a resolver that hangs would hold up the application's own look-ups.
 */
export function lookup(hostname: string, options: LookupOptions, callback: Callback): void {
  const key = JSON.stringify([hostname, options.family, options.hints, options.all]);
  const waiting = underWay.get(key);
  if (waiting !== undefined) {
    waiting.push(callback);
    return;
  }
  const callbacks = [callback];
  underWay.set(key, callbacks);
  const answer: Callback = (...result) => {
    underWay.delete(key);
    for (const one of callbacks) one(...result);
  };
  try {
    dns.lookup(hostname, options, answer);
  } catch (error) {
    underWay.delete(key);
    throw error;
  }
}
