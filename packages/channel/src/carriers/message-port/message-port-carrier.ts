import { CircuitError } from '@circuit/base';
import { endOfTurn } from '../../local/turn.js';
import type { Carrier, CarrierEvents } from '../../session/carrier.js';
import type { PeerInfo } from '../../types.js';
import { BusyPoll } from '../polling/busy-poll.js';

/** A port of a `MessageChannel`: a browser's, or one of Node's `worker_threads` (its `parentPort` too). */
export interface Port {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  addEventListener(type: string, listener: (event: object) => void): void;
  removeEventListener(type: string, listener: (event: object) => void): void;
  start?(): void;
  close(): void;
}

/** The largest chunk in one message; the receiver checks. */
export const chunkBytes = 131_072;
/** So much may be under way without being acknowledged: what a stopped far side can pile up in its port. */
export const windowBytes = 524_288;
/** The receiver acknowledges when it has taken this much. */
const acknowledgeBytes = 131_072;

/**
 * Bytes over a port. A message is a chunk (`ArrayBuffer`), the number of bytes that were taken, `'end'` behind the last chunk
 * or `'reset'`; anything else is a protocol error. A port has no backpressure and swallows what is posted to nobody, so the
 * window bounds what is under way, and `'reset'` tells a far side whose runtime has no `close` event for ports.
 *
 *     open ─end()─▶ ending ─all posted: 'end'─▶ ended ─'end' from the peer─▶ closed
 *     any ─'reset' | port closed | fault | destroy()─▶ closed
 */
export class MessagePortCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly schedule: (run: () => void) => void = endOfTurn;
  /** What was written and waits for the window. */
  bufferedBytes = 0;
  readonly #port: Port;
  readonly #waiting: Uint8Array[] = [];
  #events: CarrierEvents | undefined;
  #busyPoll: BusyPoll | undefined;
  #underWay = 0;
  #taken = 0;
  #ending = false;
  #endSent = false;
  #endReceived = false;
  #closed = false;

  constructor(port: Port, peer: PeerInfo) {
    this.#port = port;
    this.peer = peer;
  }

  start(events: CarrierEvents, busyPollMs?: number): void {
    this.#events = events;
    this.#busyPoll = new BusyPoll(busyPollMs);
    const port = this.#port;
    port.addEventListener('message', this.#onMessage);
    port.addEventListener('messageerror', this.#onUnreadable);
    port.addEventListener('close', this.#onClose);
    port.start?.();
  }

  write(pieces: Uint8Array[], bytes: number): void {
    if (this.#closed || this.#ending) return;
    this.#busyPoll?.wrote(pieces, bytes);
    for (const piece of pieces) this.#waiting.push(piece);
    this.bufferedBytes += bytes;
    this.#pump();
    // Whoever filled the writer waits for a word; without anything waiting here no acknowledgement need come.
    if (bytes >= acknowledgeBytes && this.bufferedBytes === 0) this.schedule(() => this.#events?.drained());
  }

  end(): void {
    this.#ending = true;
    this.#endIfPosted();
  }

  destroy(): void {
    this.#close(undefined);
  }

  #pump(): void {
    while (this.bufferedBytes > 0 && this.#underWay < windowBytes) this.#postChunk();
  }

  /** Pieces are shared with the writer's buffer and with the application: a chunk of our own is what can be transferred. */
  #postChunk(): void {
    const chunk = new Uint8Array(Math.min(this.bufferedBytes, chunkBytes));
    let at = 0;
    let whole = 0;
    while (at < chunk.length) {
      const piece = this.#waiting[whole] as Uint8Array;
      const room = chunk.length - at;
      if (piece.length > room) {
        chunk.set(piece.subarray(0, room), at);
        this.#waiting[whole] = piece.subarray(room);
        break;
      }
      chunk.set(piece, at);
      at += piece.length;
      whole++;
    }
    this.#waiting.splice(0, whole);
    this.bufferedBytes -= chunk.length;
    this.#underWay += chunk.length;
    this.#port.postMessage(chunk.buffer, [chunk.buffer]);
  }

  readonly #onMessage = (event: object): void => {
    if (this.#closed) return;
    const { data } = event as { readonly data: unknown };
    if (data instanceof ArrayBuffer) this.#receive(data);
    else if (typeof data === 'number') this.#acknowledged(data);
    else if (data === 'end') this.#peerEnded();
    else if (data === 'reset') this.#close(new Error('connection reset'));
    else this.#fault(`a message that is none of a session: ${describe(data)}`);
  };

  readonly #onUnreadable = (): void => this.#fault('a message that cannot be read here');

  readonly #onClose = (): void => this.#close(new Error('the other side closed the port, or its thread has ended'));

  #receive(data: ArrayBuffer): void {
    const { byteLength } = data;
    if (byteLength < 1 || byteLength > chunkBytes) {
      this.#fault(`a chunk of ${byteLength} bytes, want 1 to ${chunkBytes}`);
      return;
    }
    if (this.#endReceived) {
      this.#fault('a chunk behind the end');
      return;
    }
    const chunk = new Uint8Array(data);
    this.#busyPoll?.arrived(chunk);
    this.#events?.data(chunk, true);
    this.#taken += byteLength;
    if (this.#taken < acknowledgeBytes || this.#closed) return;
    this.#port.postMessage(this.#taken);
    this.#taken = 0;
  }

  #acknowledged(bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > this.#underWay) {
      this.#fault(`an acknowledgement of ${bytes} bytes, ${this.#underWay} are under way`);
      return;
    }
    this.#underWay -= bytes;
    if (this.bufferedBytes === 0) return;
    this.#pump();
    if (this.bufferedBytes > 0) return;
    this.#endIfPosted();
    this.#events?.drained();
  }

  #endIfPosted(): void {
    if (!this.#ending || this.#endSent || this.#closed || this.bufferedBytes > 0) return;
    this.#endSent = true;
    this.#port.postMessage('end');
    if (this.#endReceived) this.#release(undefined);
  }

  #peerEnded(): void {
    this.#endReceived = true;
    if (this.#endSent) this.#release(undefined);
    // The peer said all it had to say; what it did not say goodbye for is lost either way.
    else this.end();
  }

  #fault(reason: string): void {
    this.#close(new CircuitError('protocol', reason));
  }

  #close(reason: Error | undefined): void {
    if (this.#closed) return;
    this.#port.postMessage('reset');
    this.#release(reason);
  }

  #release(reason: Error | undefined): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.bufferedBytes = 0;
    const port = this.#port;
    port.removeEventListener('message', this.#onMessage);
    port.removeEventListener('messageerror', this.#onUnreadable);
    port.removeEventListener('close', this.#onClose);
    port.close();
    this.#events?.closed(reason);
  }
}

function describe(data: unknown): string {
  if (typeof data === 'string') return `the text "${data.slice(0, 50)}"`;
  if (typeof data !== 'object' || data === null) return String(data);
  return Object.prototype.toString.call(data).slice(8, -1);
}
