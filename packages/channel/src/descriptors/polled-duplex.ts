import { read, write } from 'node:fs';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { CircuitError, type Deferred, deferred, toCircuitError } from '@circuit/base';
import type { RawDuplex } from '../local/descriptor.js';
import type { Native, Watcher } from '../native/native.js';
import type { Access } from './access.js';
import { FdUse } from './fd-use.js';
import { closeFd, systemError } from './fds.js';

const readBytes = 65_536;
const readSome = promisify(read);
const writeSome = promisify(write);

/**
 * The bytes of a pipe or socket that came from somebody else. Its sender shares its flags and what waits in it, and so could make any
 * call wait: libuv's own reading would hold up the whole process. So the event loop only asks whether it is ready, and
 * the calls are made in the thread pool. Takes `fd` over; throws `limit` or `io` when it cannot be watched, and then does not.
 */
export function polledDuplex(native: Native, fd: number, { readable, writable }: Access, isSocket: boolean): RawDuplex {
  const ready = new Readiness(native, fd);
  const use = new FdUse(Number(readable) + Number(writable), () => {
    ready.stop();
    closeFd(fd);
  });
  const [leaveReading, leaveWriting] = [use.leaving(), use.leaving()];
  const closed = deferred();
  closed.promise.catch(ignore);
  let ended = false;
  let reading = true;
  let writing = true;
  const reader = {
    readNow: () =>
      use.during(async () => {
        while (!ended) {
          if (reading) await ready.wait('readable');
          if (!reading) throw gone();
          const chunk = await unlessBusy(() => readSome(fd, new Uint8Array(readBytes), 0, readBytes, null));
          if (chunk === undefined) continue;
          if (chunk.bytesRead > 0) return chunk.buffer.subarray(0, chunk.bytesRead);
          ended = true;
          leaveReading();
        }
        return undefined;
      }),
    cancelNow: () => {
      reading = false;
      ready.wake('readable');
      leaveReading();
    },
  };
  const endWriting = (): void => {
    writing = false;
    ready.wake('writable');
    leaveWriting();
  };
  const writer = {
    writeNow: (chunk: Uint8Array) =>
      use.during(async () => {
        try {
          for (let at = 0; at < chunk.length; ) {
            if (writing) await ready.wait('writable');
            if (!writing) throw gone();
            const written = await unlessBusy(() => writeSome(fd, chunk, at, chunk.length - at, null));
            at += written?.bytesWritten ?? 0;
          }
        } catch (error) {
          closed.reject(toCircuitError(error, 'io'));
          throw error;
        }
      }),
    closeNow: () => {
      if (writing && isSocket) native.shutdown(fd);
      endWriting();
      closed.resolve();
    },
    abortNow: endWriting,
    closed: closed.promise,
  };
  return { reader: readable ? reader : undefined, writer: writable ? writer : undefined };
}

type Direction = 'readable' | 'writable';
const bits = { readable: 1, writable: 2 } as const;

/** Whether a descriptor can be read from or written to without a wait, one waiter a direction. */
class Readiness {
  readonly #native: Native;
  readonly #watcher: Watcher;
  readonly #waiting = new Map<Direction, Deferred>();

  constructor(native: Native, fd: number) {
    this.#native = native;
    const watcher = native.watch(fd, (events) => this.#ready(events), 1);
    if (typeof watcher === 'number') throw systemError('watch a descriptor', watcher);
    this.#watcher = watcher;
  }

  async wait(direction: Direction): Promise<void> {
    const waiting = this.#waiting.get(direction) ?? deferred();
    this.#waiting.set(direction, waiting);
    this.#ask();
    await waiting.promise;
  }

  wake(direction: Direction): void {
    const waiting = this.#waiting.get(direction);
    if (!this.#waiting.delete(direction)) return;
    this.#ask();
    waiting?.resolve();
  }

  stop(): void {
    this.#native.unwatch(this.#watcher);
  }

  #ask(): void {
    let events = 0;
    for (const direction of this.#waiting.keys()) events |= bits[direction];
    this.#native.setEvents(this.#watcher, events);
  }

  #ready(events: number): void {
    // What is broken is said by the call that follows.
    for (const direction of [...this.#waiting.keys()])
      if (events < 0 || (events & bits[direction]) !== 0) this.wake(direction);
  }
}

/** `undefined` where another process took what was ready. */
async function unlessBusy<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if ((error as { readonly errno?: number }).errno === -constants.errno.EAGAIN) return undefined;
    throw error;
  }
}

function gone(): CircuitError {
  return new CircuitError('closed', 'the stream of the descriptor was ended');
}

function ignore(): void {}
