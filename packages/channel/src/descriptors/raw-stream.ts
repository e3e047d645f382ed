import { Duplex } from 'node:stream';
import { toCircuitError } from '@circuit/base';
import type { RawDuplex } from '../local/descriptor.js';

/** The bytes of a descriptor as a stream of Node's. A direction that it is not open for fails when it is used, and does not disturb the other. */
export class RawStream extends Duplex {
  readonly #raw: RawDuplex;

  constructor(raw: RawDuplex) {
    const directions = { readable: raw.reader !== undefined, writable: raw.writer !== undefined };
    super({ ...directions, allowHalfOpen: true });
    this.#raw = raw;
  }

  override _read(): void {
    this.#raw.reader?.readNow({}).then(
      (chunk) => this.push(chunk ?? null),
      (error: unknown) => this.destroy(toCircuitError(error)),
    );
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#raw.writer?.writeNow(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#raw.writer?.closeNow();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = toCircuitError(error ?? new Error('the stream was destroyed'), 'aborted');
    this.#raw.reader?.cancelNow(reason);
    this.#raw.writer?.abortNow(reason);
    done(error);
  }
}
