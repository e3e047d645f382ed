import type { ByteReader, Receiver } from '../types.js';

/** The values of a channel until its end, without return channels; leaving the loop early cancels the channel. */
export async function* iterateMessages<T>(receiver: Pick<Receiver<T>, 'receive' | 'cancel'>): AsyncGenerator<T> {
  let finished = false;
  try {
    for (;;) {
      const result = await receiver.receive({ returns: false });
      if (result.done) break;
      yield result.value;
    }
    finished = true;
  } finally {
    if (!finished) receiver.cancel();
  }
}

/** The chunks of a stream until its end; leaving the loop early cancels the stream. */
export async function* iterateBytes(reader: Pick<ByteReader, 'read' | 'cancel'>): AsyncGenerator<Uint8Array> {
  let finished = false;
  try {
    for (;;) {
      const chunk = await reader.read();
      if (chunk === undefined) break;
      yield chunk;
    }
    finished = true;
  } finally {
    if (!finished) reader.cancel();
  }
}
