import type { Socket } from 'node:net';
import type { CircuitError } from '@circuit/base';
import { BytePipeCore, BytePipeReader } from '../local/byte-pipe.js';
import type { ByteSource, SourceTap } from '../local/raw.js';

/** How much is read ahead of a slow reader, in bytes. */
const maxUnreadBytes = 262_144;
/** As much as this is handed on before the turn is over: more would fall out of the processor's cache. */
const batchBytes = 196_608;

/**
 * The reading end of a plain socket. A session or a relay takes the bytes without a promise for each chunk, those of one turn together, so
 * that they are one write. The socket is paused while too many have not been taken.
 */
export class SocketReader extends BytePipeReader implements ByteSource {
  readonly #socket: Socket;
  readonly #core: BytePipeCore;
  #tap: SourceTap | undefined;
  /** What arrived in this turn and is for the tap. */
  #batch: Uint8Array[] = [];
  #batched = 0;
  /** What the tap has not let pass yet; counts the batch. */
  #passing = 0;
  #paused = false;

  /** Whoever makes it tells it what the socket does. */
  constructor(socket: Socket) {
    const core = new BytePipeCore(maxUnreadBytes);
    super(core);
    this.#core = core;
    this.#socket = socket;
    core.onTaken = () => this.#goOn();
  }

  /** Takes what the socket has read. */
  push(chunk: Uint8Array): void {
    // A reset may wait for the end of a shutdown.
    if (this.#core.failure !== undefined) return;
    if (this.#tap === undefined) this.#core.push(chunk);
    else this.#add(chunk);
    if (this.#unread <= maxUnreadBytes || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** The socket has read its last. */
  end(): void {
    this.#core.close();
    this.#handOn();
    this.#tap?.closed();
  }

  /** The socket broke. */
  fail(reason: CircuitError): void {
    this.#core.fail(reason);
    this.#handOn();
    this.#tap?.aborted(reason);
  }

  attach(tap: SourceTap): void {
    this.#tap = tap;
    for (const chunk of this.#core.chunks.drain()) {
      this.#core.bytes -= chunk.length;
      this.#add(chunk);
    }
    this.#handOn();
    if (this.#core.failure !== undefined) tap.aborted(this.#core.failure);
    else if (this.#core.closed) tap.closed();
  }

  passed(bytes: number): void {
    this.#passing -= bytes;
    this.#goOn();
  }

  get #unread(): number {
    return this.#core.bytes + this.#passing;
  }

  #goOn(): void {
    if (!this.#paused || this.#unread > maxUnreadBytes / 2) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #add(chunk: Uint8Array): void {
    this.#passing += chunk.length;
    this.#batched += chunk.length;
    this.#batch.push(chunk);
    if (this.#batched >= batchBytes) this.#handOn();
    else if (this.#batch.length === 1) setImmediate(this.#handOn);
  }

  readonly #handOn = (): void => {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batched = 0;
    for (const chunk of batch) this.#tap?.bytes(chunk, true);
  };
}
