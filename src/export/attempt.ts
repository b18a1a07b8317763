import { clearTimeout, setTimeout } from 'node:timers';
import { MILLIS_PER_SECOND, type Milliseconds } from '../units.ts';
import type { Destination, SendOutcome } from './destination.ts';
import type { EncodedProfile } from './exporter.ts';

/**
 * One attempt to send, which ends after `timeoutMillis` or when `closing` aborts, also where the
 * destination does not heed its signal. Never rejects: an application's own destination may throw, or
 * give nothing.
 */
export async function attempt(
  destination: Destination,
  profile: EncodedProfile,
  timeoutMillis: Milliseconds,
  closing: AbortSignal,
): Promise<SendOutcome> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let onClosing = (): void => {};
  const end = new Promise<SendOutcome>((resolve) => {
    const endWith = (reason: string): void => {
      resolve({ kind: 'retry', reason });
      controller.abort();
    };
    const seconds = timeoutMillis / MILLIS_PER_SECOND;
    timer = setTimeout(() => endWith(`no answer within ${seconds} s`), timeoutMillis).unref();
    onClosing = () => endWith('closed');
    closing.addEventListener('abort', onClosing, { once: true });
  });
  try {
    const outcome: unknown = await Promise.race([
      destination.send(profile, controller.signal),
      end,
    ]);
    return isOutcome(outcome) ? outcome : { kind: 'retry', reason: 'send() gave no outcome' };
  } catch (error) {
    return { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', onClosing);
  }
}

const KINDS: ReadonlySet<unknown> = new Set<SendOutcome['kind']>(['stored', 'retry', 'rejected']);

const isOutcome = (value: unknown): value is SendOutcome =>
  typeof value === 'object' && value !== null && 'kind' in value && KINDS.has(value.kind);
