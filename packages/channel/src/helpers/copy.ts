import { toCircuitError, type WaitOptions } from '@circuit/base';
import { abandonMessage } from '../local/abandon.js';
import type { Receiver, Sender } from '../types.js';

/**
 * Sends every message of `src` to `dst`, with its return channel and all ends in it, until `src` ends; resolves to their
 * number. Closes neither. Rejects with what either end fails with; a message taken from `src` and not
 * sent is then lost, and the ends in it hear `undelivered`.
 */
export async function copy<T>(dst: Sender<T>, src: Receiver<T>, { signal }: WaitOptions = {}): Promise<number> {
  for (let count = 0; ; count++) {
    const message = await src.receive({ signal });
    if (message.done) return count;
    try {
      await dst.send(message.value, { returnTo: message.ret, signal });
    } catch (error) {
      abandonMessage(message, toCircuitError(error));
      throw error;
    }
  }
}
