import type { CircuitError } from '@circuit/base';
import { Descriptor, type RawDuplex } from '../local/descriptor.js';
import type { ByteDuplex } from '../types.js';
import { InBytes } from './in-bytes.js';
import { OutBytes } from './out-bytes.js';

/** Both directions of a byte stream, `body`, as the descriptor that was sent; `undefined` for what is none. */
export function standIn(body: unknown): Descriptor | undefined {
  const { reader, writer } = Object(body) as Partial<ByteDuplex>;
  return reader instanceof InBytes && writer instanceof OutBytes ? new StandIn(reader, writer) : undefined;
}

/** A byte stream where a descriptor was sent. */
class StandIn extends Descriptor {
  readonly passed = false;
  readonly #reader: InBytes;
  readonly #writer: OutBytes;

  constructor(reader: InBytes, writer: OutBytes) {
    super();
    this.#reader = reader;
    this.#writer = writer;
  }

  get stream(): ByteDuplex {
    return { reader: this.#reader, writer: this.#writer };
  }

  move(): void {
    this.#reader.move();
    this.#writer.move();
  }

  cancel(reason?: unknown): void {
    this.#reader.cancel(reason);
    this.#writer.abort(reason);
  }

  cancelNow(reason: CircuitError): void {
    this.#reader.cancelNow(reason);
    this.#writer.abortNow(reason);
  }

  standIn(): Promise<RawDuplex> {
    return Promise.resolve({ reader: this.#reader, writer: this.#writer });
  }
}
