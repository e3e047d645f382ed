import type { CircuitError, WaitOptions } from '@circuit/base';
import { End, type EndKind, movedError } from '../local/end.js';
import { iterateBytes } from '../local/iterate.js';
import type { RawReader, Relayed } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import type { InBytes } from '../session/in-bytes.js';
import type { ByteReader } from '../types.js';
import { HomeIn, type LocalIn } from './home-in.js';

interface LocalReader extends ByteReader, Omit<RawReader, keyof Relayed>, LocalIn {
  demand(
    options: WaitOptions,
    resolve: (chunk: Uint8Array | undefined) => void,
    reject: (error: CircuitError) => void,
  ): void;
  regain(): End;
}

type Chunk = Uint8Array | null;

class HomeBytes extends HomeIn<InBytes, LocalReader, WaitOptions, Chunk> {
  protected readonly end: Chunk = null;

  protected tryFar(far: InBytes): Chunk | undefined {
    return far.tryReadNow();
  }

  protected isEnd(chunk: Chunk): boolean {
    return chunk === null;
  }

  protected tryHere(local: LocalReader): Chunk | undefined {
    return local.tryRead();
  }

  protected demandHere(
    local: LocalReader,
    options: WaitOptions,
    resolve: (chunk: Chunk) => void,
    reject: (error: CircuitError) => void,
  ): void {
    local.demand(options, (chunk) => resolve(chunk ?? null), reject);
  }
}

/** A reader of this process that came home: the bytes that left before come first. */
export class HomeReader extends End implements ByteReader, RawReader {
  readonly endKind: EndKind = 'reader';
  readonly #bytes: HomeBytes;
  #moved = false;

  private constructor(bytes: HomeBytes) {
    super();
    this.#bytes = bytes;
  }

  static of(...parts: ConstructorParameters<typeof HomeBytes>): HomeReader {
    return new HomeReader(new HomeBytes(...parts));
  }

  begin(): void {
    this.#bytes.begin();
  }

  relay(): void {
    this.#bytes.relay();
  }

  relayDone(): void {
    this.#bytes.relayDone();
  }

  get home(): LocalIn | undefined {
    return this.#bytes.home;
  }

  get finished(): Promise<void> {
    return this.#bytes.finished;
  }

  read(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    return this.#moved ? Promise.reject(movedError()) : this.readNow(options);
  }

  async readNow(options: WaitOptions): Promise<Uint8Array | undefined> {
    return (await this.#bytes.take(options)) ?? undefined;
  }

  demand(...[options, resolve, reject]: Parameters<LocalReader['demand']>): void {
    this.#bytes.demand(options, (chunk) => resolve(chunk ?? undefined), reject);
  }

  tryRead(): Uint8Array | null | undefined {
    if (this.#moved) throw movedError();
    return this.#bytes.tryTake({});
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    return iterateBytes(this);
  }

  cancel(reason?: unknown): void {
    if (!this.#moved) this.cancelNow(reasonError(reason, 'cancelled by the reader'));
  }

  cancelNow(reason: CircuitError): void {
    this.#bytes.cancelNow(reason);
  }

  onReadable(run: () => void): () => void {
    return this.#bytes.onReadable(run);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
    this.turnAway();
  }

  turnAway(): void {
    this.#bytes.turnAway();
  }

  override regain(): End {
    const { home } = this.#bytes;
    if (home !== undefined) return home.regain();
    this.#bytes.dismiss();
    return new HomeReader(this.#bytes);
  }
}
