import type { Clock } from '@circuit/base';
import type { PluggedCodec } from '../codec/codec.js';
import type { Authenticator } from './authenticator.js';
import type { LimitChanges } from './limits.js';

/** How a session behaves; both sides of a conversation may differ. */
export interface SessionOptions {
  readonly limits?: LimitChanges | undefined;
  /** More codecs, each through `plugCodec`, or others under the same names; `msgpack` and `json` are always known. */
  readonly codecs?: readonly PluggedCodec[] | undefined;
  /** Name of the codec of channels that are opened without one; default `msgpack`. An unknown one makes the constructor throw `unsupported`. */
  readonly codec?: string | undefined;
  /** Asks a silent peer for a sign of life; three silent intervals end the session with `peer-gone`. 0 switches it off. Default 5,000. */
  readonly keepAliveMs?: number | undefined;
  /**
   * How long a wait for what follows a message may be spent awake, milliseconds, where waits are short: the next answer is heard at
   * once, for processor time. 0 switches it off; at most 10, default 0.2; pages never do it.
   */
  readonly busyPollMs?: number | undefined;
  /** How long `close()` waits for what is not yet written. Default 5,000. */
  readonly graceMs?: number | undefined;
  /**
   * Both sides prove who they are before anything else is said; for carriers that cannot tell who is there: `keyAuth` of
   * `@circuit/channel/auth`. Default: none.
   */
  readonly auth?: Authenticator | undefined;
  /**
   * Ends whose other end is in this process, and which come back to it over this or another of its sessions, go on inside it, also when the
   * sessions are over. `false` leaves them with the other side, and does not tell the peer which sessions are of one process; for who
   * relies on the end of a session to end all that went through it. Default `true`; pages never take ends home.
   */
  readonly home?: boolean | undefined;
  readonly clock?: Clock | undefined;
}
