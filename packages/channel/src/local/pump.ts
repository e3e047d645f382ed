import { type ErrorCode, toCircuitError } from '@circuit/base';
import { spliceBytes } from '../session/splice.js';
import { abandonMessage } from '../values/abandon.js';
import { isByteSink, isByteSource, type RawReader, type RawReceiver, type RawSender, type RawWriter } from './raw.js';

/**
 * Moves everything from `from` to `to` until the end, and the end with it: close to close, abort to abort, cancel to
 * cancel, acknowledgements back. Ends inside the values and their return channels go along. Never rejects.
 */
export async function pumpMessages(from: RawReceiver, to: RawSender): Promise<void> {
  const fail = failing(from, to);
  from.relay();
  let sent: Promise<void> | undefined;
  try {
    for (;;) {
      const message = await from.receiveNow({});
      if (message.done) break;
      const { value, ret, settle } = message;
      sent = to.sendNow(value, { returnTo: ret, acknowledged: settle !== undefined }).then(
        () => settle?.(),
        (error: unknown) => {
          const reason = toCircuitError(error);
          abandonMessage(message, reason);
          settle?.(reason);
          fail(reason);
        },
      );
      // Who asked for an acknowledgement waits for it itself; what is behind its message does not.
      if (settle === undefined) await sent;
    }
    to.closeNow();
    await to.closed;
    // The last acknowledgement goes back in front of the end.
    await sent;
    from.relayDone();
  } catch (error) {
    fail(error);
  }
}

/**
 * {@link pumpMessages} for byte streams, without a promise for each chunk where both ends can do so; an error of the application's own
 * stream arrives as `aborted`.
 */
export async function pumpBytes(from: RawReader, to: RawWriter): Promise<void> {
  if (isByteSource(from) && isByteSink(to)) {
    spliceBytes(from, to);
    return;
  }
  const fail = failing(from, to, 'aborted');
  from.relay?.();
  try {
    for (;;) {
      const chunk = await from.readNow({});
      if (chunk === undefined) break;
      await to.writeNow(chunk);
    }
    to.closeNow();
    await to.closed;
    from.relayDone?.();
  } catch (error) {
    fail(error);
  }
}

/** Ends both with what either fails with. */
function failing(from: RawReceiver | RawReader, to: RawSender | RawWriter, code?: ErrorCode): (error: unknown) => void {
  const fail = (error: unknown): void => {
    const reason = toCircuitError(error, code);
    to.abortNow(reason);
    from.cancelNow(reason);
  };
  to.closed.catch(fail);
  return fail;
}
