import { toCircuitError } from '@circuit/base';
import { pipe } from '../local/pipe.js';
import type { Sender } from '../types.js';
import { copy } from './copy.js';

/**
 * A sender that holds up to `capacity` messages (1,024 by default) in front of a slow one, which it takes over. When it is full
 * a `send` waits and a `trySend` says no. Messages stay in order; return channels and ends in them go along, and so
 * do the close (behind what is held), an abort and the slow side's cancel, which both drop what is held.
 * An acknowledged send resolves when its message leaves the queue.
 */
export function queue<T>(slow: Sender<T>, capacity = 1024): Sender<T> {
  const { sender, receiver } = pipe<T>(capacity);
  // Both ends are watched: an abort must not wait behind a message that the slow side does not take.
  sender.closed.catch((reason: unknown) => slow.abort(reason));
  slow.closed.catch((reason: unknown) => receiver.cancel(reason));
  copy(slow, receiver).then(
    () => slow.close(),
    (error: unknown) => {
      const reason = toCircuitError(error);
      slow.abort(reason);
      receiver.cancel(reason);
    },
  );
  return sender;
}
