import { toCircuitError } from '@circuit/base';
import type { RawReader, RawReceiver, RawSender, RawWriter } from './raw.js';

/**
 * Moves everything from `from` to `to` until the end, and the end with it: close to close, abort to abort, cancel to
 * cancel. Ends inside the values and their return channels go along. Never rejects.
 */
export async function pumpMessages(from: RawReceiver, to: RawSender): Promise<void> {
  to.closed.catch((reason: unknown) => from.cancelNow(toCircuitError(reason)));
  try {
    for (;;) {
      const message = await from.receiveNow({});
      if (message.done) break;
      await to.sendNow(message.value, { returnTo: message.ret });
    }
    to.closeNow();
  } catch (error) {
    const reason = toCircuitError(error);
    to.abortNow(reason);
    from.cancelNow(reason);
  }
}

/** {@link pumpMessages} for byte streams. */
export async function pumpBytes(from: RawReader, to: RawWriter): Promise<void> {
  to.closed.catch((reason: unknown) => from.cancelNow(toCircuitError(reason)));
  try {
    for (;;) {
      const chunk = await from.readNow({});
      if (chunk === undefined) break;
      await to.writeNow(chunk);
    }
    to.closeNow();
  } catch (error) {
    const reason = toCircuitError(error);
    to.abortNow(reason);
    from.cancelNow(reason);
  }
}
