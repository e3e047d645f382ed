import { CircuitError } from '@circuit/base';
import type { OutReference } from './data-frame.js';
import type { Link } from './link.js';

/** Why the peer, by what it has said so far, would end the session over a message; `ownLimit` is one of this side's. */
export function misfit(
  link: Link,
  bytes: number,
  refs: readonly OutReference[] | undefined,
  ownLimit: number = Infinity,
): CircuitError | undefined {
  const limit = Math.min(ownLimit, link.peerLimits?.maxMessageBytes ?? Infinity);
  if (bytes > limit) return new CircuitError('limit', `message of ${bytes} bytes, the limit is ${limit}`);
  if (refs === undefined || refs.length <= link.freeChannels) return undefined;
  return full('the peer');
}

/** `who` has as many channels as it takes. */
export function full(who: string): CircuitError {
  return new CircuitError('limit', `${who} takes no more channels`, { retryable: true });
}
