import { toCircuitError } from '@circuit/base';
import type { Received } from '../types.js';
import { spliceBytes } from '../session/splice.js';
import { abandonMessage } from '../values/abandon.js';
import { isByteSink, isByteSource, type RawReader, type RawReceiver, type RawSender, type RawWriter } from './raw.js';

/**
 * Moves everything from `from` to `to` until the end, and the end with it: close to close, abort to abort, cancel to
 * cancel. Ends inside the values and their return channels go along. Never rejects.
 */
export async function pumpMessages(from: RawReceiver, to: RawSender): Promise<void> {
  to.closed.catch((reason: unknown) => from.cancelNow(toCircuitError(reason)));
  let taken: Received | undefined;
  try {
    for (;;) {
      const message = await from.receiveNow({});
      if (message.done) break;
      taken = message;
      await to.sendNow(message.value, { returnTo: message.ret });
      taken = undefined;
    }
    to.closeNow();
  } catch (error) {
    const reason = toCircuitError(error);
    if (taken !== undefined) abandonMessage(taken, reason);
    to.abortNow(reason);
    from.cancelNow(reason);
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
  to.closed.catch((reason: unknown) => from.cancelNow(toCircuitError(reason, 'aborted')));
  try {
    for (;;) {
      const chunk = await from.readNow({});
      if (chunk === undefined) break;
      await to.writeNow(chunk);
    }
    to.closeNow();
  } catch (error) {
    const reason = toCircuitError(error, 'aborted');
    to.abortNow(reason);
    from.cancelNow(reason);
  }
}
