import { CircuitError } from '@circuit/base';

/** The bounds of one session; each side announces its own and checks them on what it receives. */
export interface SessionLimits {
  /** Channels and streams in the table at once. */
  readonly maxChannels: number;
  /** The body of one message after encoding. */
  readonly maxMessageBytes: number;
  /** Credit of a fresh channel of messages; ≥ 131,072. */
  readonly windowBytes: number;
  /** Credit of a fresh byte stream; ≥ 131,072. */
  readonly streamWindowBytes: number;
  /** Bytes of messages and streams that may have arrived without being taken, over the whole session. */
  readonly maxUnreadBytes: number;
  /** Sends of one channel that may wait. */
  readonly maxPendingSends: number;
}

/** The bounds of a session that says nothing else. */
export const defaultLimits: SessionLimits = {
  maxChannels: 131_072,
  maxMessageBytes: 16_777_216,
  windowBytes: 262_144,
  streamWindowBytes: 1_048_576,
  maxUnreadBytes: 536_870_912,
  maxPendingSends: 65_536,
};

/** The smallest window that a side may announce: one frame must always fit. */
export const minWindowBytes = 131_072;

/** What a caller changes of them. */
export type LimitChanges = { readonly [Name in keyof SessionLimits]?: number | undefined };

/** The defaults with what the caller changed; throws `invalid` for a value that cannot work. */
export function resolveLimits(changes: LimitChanges = {}): SessionLimits {
  const limits = { ...defaultLimits };
  for (const name of Object.keys(limits) as (keyof SessionLimits)[]) {
    const value = changes[name] ?? limits[name];
    const least = /indowBytes/.test(name) ? minWindowBytes : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new CircuitError('invalid', `session limit ${name}: ${value}, want a whole number from ${least}`);
    }
    limits[name] = value;
  }
  return limits;
}
