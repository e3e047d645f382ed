import type { ByteReader, Receiver } from '../types.js';

/** The values of a channel until its end, without return channels; leaving the loop early cancels the channel. */
export function iterateMessages<T>(receiver: Pick<Receiver<T>, 'receive' | 'cancel'>): AsyncIterableIterator<T> {
  return iterate(receiver, () => receiver.receive({ returns: false }));
}

/** The chunks of a stream until its end; leaving the loop early cancels the stream. */
export function iterateBytes(reader: Pick<ByteReader, 'read' | 'cancel'>): AsyncIterableIterator<Uint8Array> {
  return iterate(reader, async () => {
    const value = await reader.read();
    return { done: value === undefined, value };
  });
}

/**
 * Unlike a generator's, its `return` waits for nothing: it cancels `end` while a `next` is under way, and in front of the first one, as
 * whoever destroys a stream that was made of it expects.
 */
function iterate<T>(
  end: { cancel(): void },
  take: () => Promise<{ readonly done: boolean; readonly value?: T | undefined }>,
): AsyncIterableIterator<T> {
  let over = false;
  const leave = (): Promise<IteratorResult<T>> => {
    if (!over) end.cancel();
    over = true;
    return Promise.resolve({ done: true, value: undefined });
  };
  return {
    async next() {
      if (over) return leave();
      try {
        const result = await take();
        over ||= result.done;
        return result as IteratorResult<T>;
      } catch (error) {
        if (over) return leave();
        over = true;
        throw error;
      }
    },
    return: leave,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
