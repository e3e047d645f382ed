import { pipe } from '../local/pipe.js';
import { pumpMessages } from '../local/pump.js';
import type { RawReceiver, RawSender, RawSendOptions } from '../local/raw.js';
import type { Sender } from '../types.js';

/**
 * A sender that holds up to `capacity` messages (1,024 by default) in front of a slow one, which it takes over. When it is full
 * a `send` waits and a `trySend` says no. Messages stay in order; return channels and ends in them go along, and so
 * do the close (behind what is held), an abort and the slow side's cancel, which both drop what is held.
 * An acknowledged send is passed on as one, without waiting for those before it to be acknowledged: it resolves when the slow sender's
 * does, and rejects with what that fails with. `closed` is that of the slow sender.
 * Values are held by reference, as in a pipe: a send gives the value away, whatever becomes of it behind the queue.
 */
export function queue<T>(slow: Sender<T>, capacity = 1024): Sender<T> {
  const { sender, receiver } = pipe<T>(capacity);
  // Both ends are watched: an abort must not wait behind a message that the slow side does not take.
  sender.closed.catch((reason: unknown) => slow.abort(reason));
  void pumpMessages(receiver as unknown as RawReceiver, raw(slow));
  return sender;
}

/** Any sender, also one that is no end of ours, as a pump takes it. */
function raw<T>(sender: Sender<T>): RawSender {
  return {
    // An end of ours hears `handedOn` as well; of any other the acknowledgement has to do.
    sendNow: async (value: unknown, { returnTo, acknowledged, handedOn }: RawSendOptions) => {
      const options: RawSendOptions & { readonly returns?: false } = { returnTo, acknowledged, handedOn };
      return sender.send(value as T, options);
    },
    closeNow: () => sender.close(),
    abortNow: (reason) => sender.abort(reason),
    closed: sender.closed,
  };
}
