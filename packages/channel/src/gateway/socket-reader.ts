import type { Socket } from 'node:net';
import type { CircuitError } from '@circuit/base';
import { BytePipeCore, BytePipeReader } from '../local/byte-pipe.js';
import type { ByteSource, SourceTap } from '../local/raw.js';

/** How much is read ahead of a slow reader, in bytes. */
const maxUnreadBytes = 262_144;

/**
 * The reading end of a plain socket. A session or a relay takes the bytes as they come, without a promise for each chunk. The socket is paused
 * while too many have not been taken.
 */
export class SocketReader extends BytePipeReader implements ByteSource {
  readonly #socket: Socket;
  readonly #core: BytePipeCore;
  #tap: SourceTap | undefined;
  /** What the tap has not let pass yet. */
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

  /** Takes what the socket has read; `owned`: may be kept as it is. */
  push(chunk: Uint8Array, owned: boolean): void {
    // A reset may wait for the end of a shutdown.
    if (this.#core.failure !== undefined) return;
    if (this.#tap === undefined) this.#core.push(owned ? chunk : chunk.slice());
    else this.#pass(this.#tap, chunk, owned);
    if (this.#unread <= maxUnreadBytes || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** The socket has read its last. */
  end(): void {
    this.#core.close();
    this.#tap?.closed();
  }

  /** The socket broke. */
  fail(reason: CircuitError): void {
    this.#core.fail(reason);
    this.#tap?.aborted(reason);
  }

  attach(tap: SourceTap): void {
    this.#tap = tap;
    for (const chunk of this.#core.chunks.drain()) {
      this.#core.bytes -= chunk.length;
      this.#pass(tap, chunk, true);
    }
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

  #pass(tap: SourceTap, chunk: Uint8Array, owned: boolean): void {
    this.#passing += chunk.length;
    tap.bytes(chunk, owned);
  }
}
