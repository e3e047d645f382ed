import type { Duplex } from 'node:stream';
import { CircuitError } from '@circuit/base';
import type { WebSocket } from 'ws';
import { endOfTurn } from '../../local/turn.js';
import type { Carrier, CarrierEvents } from '../../session/carrier.js';
import type { PeerInfo } from '../../types.js';
import { BusyPoll } from '../polling/busy-poll.js';
import { accusation, textMessage, unsupportedData } from './websocket-close.js';

/** An open WebSocket of the library `ws` over `socket`. Takes both over; nothing is read before `start`. */
export class WebSocketCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  #busyPoll: BusyPoll | undefined;
  #failure: Error | undefined;
  #events: CarrierEvents | undefined;

  constructor(ws: WebSocket, socket: Duplex, peer: PeerInfo) {
    this.#ws = ws;
    this.#socket = socket;
    this.peer = peer;
    ws.pause();
    // `ws` keeps the errors of its socket to itself, and tells only what broke its own protocol.
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    ws.on('error', (error) => {
      this.#failure ??= new CircuitError('protocol', error.message, { cause: error });
    });
    ws.on('close', (code, reason) => {
      this.#failure ??= accusation(code, reason.toString());
      this.#close(this.#failure);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  schedule(run: () => void): void {
    endOfTurn(run);
  }

  start(events: CarrierEvents, busyPollMs?: number): void {
    const busyPoll = new BusyPoll(busyPollMs);
    this.#busyPoll = busyPoll;
    this.#events = events;
    const ws = this.#ws;
    ws.on('message', (message: Buffer, isBinary: boolean) => {
      busyPoll.arrived(message);
      if (isBinary) events.data(new Uint8Array(message.buffer, message.byteOffset, message.byteLength), true);
      else this.#refuseText();
    });
    this.#socket.on('drain', () => events.drained());
    if (ws.readyState === ws.CLOSED) this.#close(this.#failure);
    else ws.resume();
  }

  write(pieces: Uint8Array[], bytes: number): void {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN) return;
    this.#busyPoll?.wrote(pieces, bytes);
    this.#socket.cork();
    for (const piece of pieces) ws.send(piece);
    this.#socket.uncork();
  }

  end(): void {
    this.#ws.close();
  }

  destroy(): void {
    this.#ws.terminate();
  }

  #refuseText(): void {
    const error = textMessage();
    this.#close(error);
    // The peer hears why; `ws` drops one that does not answer.
    this.#ws.close(unsupportedData, 'binary messages only');
  }

  #close(reason: Error | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed(reason);
  }
}
