import { toCircuitError } from '@circuit/base';
import type { ByteSink } from '../local/raw.js';
import type { InBytes } from './in-bytes.js';

/** What a page has in place of `splice-bytes.ts`: one chunk under way. */
export async function spliceBytes(from: InBytes, to: ByteSink): Promise<void> {
  to.attach({ cancelled: (reason) => from.cancelNow(reason), done: () => from.relayDone() });
  from.relay();
  try {
    if (to.sendRefusal !== undefined) throw to.sendRefusal;
    for (;;) {
      const chunk = await from.readNow({});
      if (chunk === undefined) break;
      await new Promise<void>((resolve) => to.forward(chunk, resolve));
    }
    to.closeNow();
  } catch (error) {
    const reason = toCircuitError(error);
    to.abortNow(reason);
    from.cancelNow(reason);
  }
}
