import type { Socket } from 'node:net';
import { abortError, CircuitError, type Deferred, deferred, onAbort, type WaitOptions } from '@circuit/base';
import { writeTogether } from '../carriers/socket/write-together.js';
import { release } from '../local/buffer-pool.js';
import { ChunkQueue } from '../local/chunk-queue.js';
import { End, type EndKind, movedError } from '../local/end.js';
import type { ByteSink, RawWriter, SinkTap } from '../local/raw.js';
import { reasonError } from '../local/reason-error.js';
import { Waiters } from '../local/waiters.js';
import type { ByteWriter } from '../types.js';
import { resetSocket } from './reset-socket.js';

/** How much waits for a slow socket before its writer does, in bytes. */
const highWaterBytes = 262_144;

/** Where a socket stands; `ending`: nothing is added to what it still has to write. */
type State = 'open' | 'ending' | 'over';

/**
 * The writing end of a plain socket. A session's stream or a relay puts its bytes in without a promise for each piece; those of one turn are
 * one write, and small ones are gathered.
 */
export class SocketWriter extends End implements ByteWriter, RawWriter, ByteSink {
  readonly endKind: EndKind = 'writer';
  readonly #socket: Socket;
  readonly #room = new Waiters();
  #reusable = false;
  #state: State = 'open';
  #failure: CircuitError | undefined;
  #finished: Deferred | undefined;
  #tap: SinkTap | undefined;
  readonly #gathered = new ChunkQueue();
  #gatheredBytes = 0;
  #scheduled = false;
  #moved = false;

  /** Whoever makes it tells it by `gone` that the socket is no more. */
  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('drain', () => {
      this.#flush();
      if (!this.#full) this.#room.notify();
    });
    socket.on('finish', () => this.#settle());
  }

  get reusable(): boolean {
    return this.#reusable;
  }

  get closed(): Promise<void> {
    if (this.#finished === undefined) {
      this.#finished = deferred();
      this.#finished.promise.catch(ignore);
      this.#tell();
    }
    return this.#finished.promise;
  }

  get sendRefusal(): CircuitError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    return this.#state === 'open' ? undefined : new CircuitError('closed', 'write on a closed stream');
  }

  write(chunk: Uint8Array, options: WaitOptions = {}): Promise<void> {
    return this.#moved ? Promise.reject(movedError()) : this.writeNow(chunk, options);
  }

  async writeNow(chunk: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    const refusal = this.sendRefusal;
    if (refusal !== undefined) throw refusal;
    if (signal?.aborted) throw abortError(signal);
    if (chunk.length === 0) return;
    this.#put(chunk);
    // The bytes are in; the wait only holds the writer back, so giving it up loses nothing.
    while (this.#full && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const withdraw = this.#room.add(() => {
          forget();
          resolve();
        });
        const forget = onAbort(signal, () => {
          withdraw();
          resolve();
        });
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  forward(piece: Uint8Array, written: () => void): void {
    if (this.sendRefusal === undefined) this.#put(piece);
    if (this.#full) this.#room.add(written);
    else written();
  }

  attach(tap: SinkTap): void {
    this.#tap = tap;
    if (this.#failure !== undefined) tap.cancelled(this.#failure);
  }

  close(): void {
    if (!this.#moved) this.closeNow();
  }

  abort(reason?: unknown): void {
    if (!this.#moved) this.abortNow(reasonError(reason, 'aborted by the writer'));
  }

  closeNow(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#write();
    this.#socket.end();
  }

  abortNow(reason: CircuitError): void {
    if (this.#state === 'over') return;
    this.#settle(reason);
    resetSocket(this.#socket);
  }

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
  }

  /** The socket is no more; `reason` is what an unfinished writer fails with. */
  gone(reason: CircuitError): void {
    this.#settle(reason);
  }

  get #full(): boolean {
    return this.#state !== 'over' && this.#socket.writableLength + this.#gatheredBytes > highWaterBytes;
  }

  #put(chunk: Uint8Array): void {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= highWaterBytes) this.#flush();
    if (this.#scheduled || this.#gatheredBytes === 0) return;
    this.#scheduled = true;
    setImmediate(this.#endOfTurn);
  }

  readonly #endOfTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  /** A full socket goes first, and what comes meanwhile is gathered, for a piece may have one byte; its `drain` comes back here. */
  #flush(): void {
    if (this.#state === 'open' && !this.#socket.writableNeedDrain) this.#write();
  }

  #write(): void {
    if (this.#gatheredBytes === 0) return;
    this.#gatheredBytes = 0;
    const chunks = this.#gathered.drain();
    this.#reusable = writeTogether(this.#socket, chunks);
    release(chunks, this.#reusable);
  }

  #settle(failure?: CircuitError): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#failure = failure;
    if (failure === undefined) this.#tap?.done();
    else this.#tap?.cancelled(failure);
    this.#tell();
    this.#room.notify();
  }

  #tell(): void {
    if (this.#failure !== undefined) this.#finished?.reject(this.#failure);
    else if (this.#state === 'over') this.#finished?.resolve();
  }
}

function ignore(): void {}
