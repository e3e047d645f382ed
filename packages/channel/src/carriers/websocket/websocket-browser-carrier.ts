import { CircuitError, type Clock, type Timer } from '@circuit/base';
import { endOfTurn } from '../../local/turn.js';
import type { Carrier, CarrierEvents } from '../../session/carrier.js';
import type { PeerInfo } from '../../types.js';
import { maxWebSocketMessageBytes } from '../web/http-options.js';
import { accusation, messageTooBig, pageCodes, textMessage, unsupportedData } from './websocket-close.js';

/** As much of a browser's WebSocket as the carrier uses. */
export interface BrowserWebSocket {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** Values of `readyState`. */
const isOpen = 1;
const isClosed = 3;
/** Below this the writer goes on by itself; above it we have to ask, for a browser does not tell. */
const lowWaterBytes = 65_536;
const askMs = 4;

/** A browser's WebSocket as a carrier. What arrives after `end` is lost: browsers drop it. */
export class BrowserWebSocketCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly #socket: BrowserWebSocket;
  readonly #clock: Clock;
  #events: CarrierEvents | undefined;
  #asking: Timer | undefined;
  readonly #early: unknown[] = [];

  constructor(socket: BrowserWebSocket, peer: PeerInfo, clock: Clock) {
    this.#socket = socket;
    this.peer = peer;
    this.#clock = clock;
    // Some runtimes deliver before the promise of the dial has gone through.
    socket.onmessage = ({ data }) => void this.#early.push(data);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  schedule(run: () => void): void {
    endOfTurn(run);
  }

  start(events: CarrierEvents): void {
    this.#events = events;
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.#close(accusation(code, reason));
    for (const data of this.#early.splice(0)) this.#receive(data);
    if (this.#socket.readyState === isClosed) this.#close(undefined);
  }

  write(pieces: Uint8Array[], bytes: number): void {
    if (this.#socket.readyState !== isOpen) return;
    for (const piece of pieces) this.#socket.send(piece);
    // A runtime that takes it all at once has nothing buffered, and the writer waits all the same.
    if (bytes >= lowWaterBytes || this.bufferedBytes >= lowWaterBytes) this.#ask();
  }

  end(): void {
    this.#socket.close();
  }

  /** A browser has no way to drop what it still holds: it is sent, then the connection closes. */
  destroy(): void {
    this.#socket.close();
    this.#close(undefined);
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) {
      this.#refuse(unsupportedData, textMessage());
      return;
    }
    if (data.byteLength > maxWebSocketMessageBytes) {
      const size = `a message of ${data.byteLength} bytes, the limit is ${maxWebSocketMessageBytes}`;
      this.#refuse(messageTooBig, new CircuitError('protocol', size));
      return;
    }
    this.#events?.data(new Uint8Array(data), true);
    this.#tell();
  }

  #refuse(code: number, error: CircuitError): void {
    this.#socket.close(pageCodes + code, error.message.slice(0, 100));
    this.#close(error);
  }

  /** Looks again in a while whether the browser has written what waits. */
  #ask(): void {
    this.#asking ??= this.#clock.after(askMs, () => {
      this.#asking = undefined;
      this.#tell();
    });
  }

  /** Also called when something arrives: timers of a page in the background run once a second. */
  #tell(): void {
    if (this.#socket.bufferedAmount < lowWaterBytes) this.#events?.drained();
    else this.#ask();
  }

  #close(reason: Error | undefined): void {
    this.#asking?.cancel();
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    const events = this.#events;
    this.#events = undefined;
    events?.closed(reason);
  }
}
