import { CircuitError } from '@circuit/base';
import { goesHome } from '../home/away-of.js';
import { End, type EndKind } from '../local/end.js';
import { pumpBytes, pumpMessages } from '../local/pump.js';
import type { RawReader, RawReceiver, RawSender, RawWriter } from '../local/raw.js';
import { InMessage } from '../session/in-message.js';
import { OutMessage } from '../session/out-message.js';
import { spliceMessages } from '../session/splice.js';
import type { ByteReader, ByteWriter, Receiver, Sender } from '../types.js';

/**
 * Joins two channels for good: all that arrives on `from` goes to `to`, with return channels, nested channels and streams;
 * the end, an abort, a cancel, acknowledgements and credit travel through. Takes both ends out of the caller's hands.
 * Between two sessions nothing is decoded if the codec is the same. Throws `conflict` for an end that was moved before,
 * `invalid` for what is no receiver and sender of ours.
 */
export function relay(from: Receiver, to: Sender): void {
  takeBoth('relay', [from, 'receiver'], [to, 'sender']);
  const halves = from instanceof InMessage && to instanceof OutMessage && !goesHome(from) && !goesHome(to);
  if (halves && from.codec.name === to.codec.name) spliceMessages(from, to);
  else void pumpMessages(from as unknown as RawReceiver, to as unknown as RawSender);
}

/** {@link relay} for byte streams. */
export function relayBytes(from: ByteReader, to: ByteWriter): void {
  takeBoth('relayBytes', [from, 'reader'], [to, 'writer']);
  void pumpBytes(from as unknown as RawReader, to as unknown as RawWriter);
}

/** Nothing is moved where one of them is no such end. */
function takeBoth(what: string, [from, source]: [unknown, EndKind], [to, sink]: [unknown, EndKind]): void {
  if (!(from instanceof End) || !(to instanceof End) || from.endKind !== source || to.endKind !== sink)
    throw new CircuitError('invalid', `${what}: want a ${source} and a ${sink}, got ${nameOf(from)} and ${nameOf(to)}`);
  from.move();
  to.move();
}

function nameOf(value: unknown): string {
  if (value instanceof End) return `a ${value.endKind}`;
  return value === null ? 'null' : `what is not an end (${typeof value})`;
}
