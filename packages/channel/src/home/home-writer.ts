import type { CircuitError, WaitOptions } from '@circuit/base';
import { End, type EndKind, movedError } from '../local/end.js';
import type { RawWriter } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import type { ByteWriter } from '../types.js';
import { HomeOut, type LocalOut } from './home-out.js';

interface LocalWriter extends RawWriter, LocalOut {
  readonly closed: Promise<void>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  regain(): End;
}

class HomeBytes extends HomeOut<LocalWriter, Uint8Array, WaitOptions, void> {
  protected pass(local: LocalWriter, chunk: Uint8Array, options: WaitOptions): Promise<void> {
    return local.writeNow(chunk, options);
  }

  protected abandon(): void {
    // Nothing stands in bytes.
  }
}

/** A writer of this process that came home: the bytes that were written from afar go first. */
export class HomeWriter extends End implements ByteWriter, RawWriter {
  readonly endKind: EndKind = 'writer';
  readonly #bytes: HomeBytes;
  #moved = false;

  private constructor(bytes: HomeBytes) {
    super();
    this.#bytes = bytes;
  }

  static of(...parts: ConstructorParameters<typeof HomeBytes>): HomeWriter {
    return new HomeWriter(new HomeBytes(...parts));
  }

  begin(): void {
    this.#bytes.begin();
  }

  get closed(): Promise<void> {
    return this.#bytes.closed;
  }

  get home(): LocalOut | undefined {
    return this.#bytes.home;
  }

  get sendRefusal(): CircuitError | undefined {
    return this.#bytes.sendRefusal;
  }

  write(chunk: Uint8Array, options: WaitOptions = {}): Promise<void> {
    return this.#moved ? Promise.reject(movedError()) : this.#bytes.send(chunk, options);
  }

  writeNow(chunk: Uint8Array, options: WaitOptions = {}): Promise<void> {
    return this.#bytes.send(chunk, options);
  }

  close(): void {
    if (!this.#moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.#moved) this.abortNow(reasonError(reason, 'aborted by the writer'));
  }

  closeNow(): void {
    this.#bytes.closeNow();
  }

  abortNow(reason: CircuitError): void {
    this.#bytes.abortNow(reason);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
  }

  override regain(): End {
    return this.#bytes.home?.regain() ?? new HomeWriter(this.#bytes);
  }
}
