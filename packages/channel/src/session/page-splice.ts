import { pumpMessages } from '../local/pump.js';
import type { InMessage } from './in-message.js';
import type { OutMessage } from './out-message.js';

/** What a page has in place of `splice.ts`: what it passes on from one session to another it decodes, as between two codecs. */
export function spliceMessages(from: InMessage, to: OutMessage): void {
  const refusal = to.sendRefusal;
  if (refusal !== undefined) from.cancelNow(refusal);
  else void pumpMessages(from, to);
}
