import { CircuitError, orAborted } from '@circuit/base';
import type { Context } from './verb.js';

/** More than any description needs. */
const maxTextBytes = 8_388_608;

/** All of standard input as text. Rejects with `limit` beyond 8 MiB. */
export async function readText({ io, signal }: Pick<Context, 'io' | 'signal'>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  const source = io.stdin[Symbol.asyncIterator]();
  for (;;) {
    const next = await orAborted(source.next(), signal);
    if (next.done === true) return text + decoder.decode();
    bytes += next.value.length;
    if (bytes > maxTextBytes) throw new CircuitError('limit', `standard input has more than ${maxTextBytes} bytes`);
    text += decoder.decode(next.value, { stream: true });
  }
}
