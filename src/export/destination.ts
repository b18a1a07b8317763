import type { Milliseconds } from '../units.ts';
import type { EncodedProfile } from './exporter.ts';

/** What became of one attempt to send one profile. */
export type SendOutcome =
  | { readonly kind: 'stored' }
  /** Worth another attempt: not before `afterMillis` if the server asked for that. */
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly afterMillis?: Milliseconds;
      /** The destination itself answered so; not set for a failed connection. */
      readonly isAnswer?: boolean;
    }
  /** Never to be sent again: the server refused its content, for this reason. */
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * A place that profiles are sent to over a network. It knows one protocol and nothing of queues,
 * retries or disks: those are the queue's, and the same for every destination.
 */
export interface Destination {
  readonly name: string;
  /** Where it sends to, without credentials: for `status()` and messages. */
  readonly address: string;
  /**
   * Whatever makes one use of this destination different from another: address, tenant, user. What a
   * dead process left is sent by another process only if the key is equal. Without it the address.
   */
  readonly spoolKey?: string;
  /** One attempt; ends early when `signal` aborts. Never throws or rejects. */
  send(profile: EncodedProfile, signal: AbortSignal): Promise<SendOutcome>;
  /** Closes connections; nothing is sent any more. */
  close(): Promise<void>;
}
