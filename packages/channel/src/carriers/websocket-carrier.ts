import type { Duplex } from 'node:stream';
import { CircuitError } from '@circuit/base';
import type { WebSocket } from 'ws';
import type { Carrier, CarrierEvents } from '../session/carrier.js';
import type { PeerInfo } from '../types.js';
import { endOfTurn } from './turn.js';
import { accusation, textMessage, unsupportedData } from './websocket-close.js';
import type { WebSocketSide } from './websocket-frame.js';
import { WebSocketInlet } from './websocket-inlet.js';
import { WebSocketOutlet } from './websocket-outlet.js';

/**
 * An open WebSocket of the library `ws` over `socket`. Takes both over; nothing is read before `start`. The library keeps the handshake,
 * control frames, the close and the judgement of whatever is odd; the bytes of the session go past it.
 */
export class WebSocketCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #inlet: WebSocketInlet;
  readonly #outlet: WebSocketOutlet;
  #failure: Error | undefined;
  #events: CarrierEvents | undefined;

  constructor(ws: WebSocket, socket: Duplex, side: WebSocketSide, peer: PeerInfo) {
    this.#ws = ws;
    this.#socket = socket;
    this.peer = peer;
    ws.pause();
    const library = takeListener(socket);
    this.#outlet = new WebSocketOutlet(side);
    this.#inlet = new WebSocketInlet(side, {
      bytes: (piece) => this.#events?.data(piece),
      library: (bytes) => library(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    });
    socket.on('data', (chunk: Uint8Array) =>
      this.#inlet.receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
    );
    // `ws` keeps the errors of its socket to itself, and tells only what broke its own protocol.
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    ws.on('error', (error) => {
      this.#inlet.stop();
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

  start(events: CarrierEvents): void {
    this.#events = events;
    const ws = this.#ws;
    ws.on('message', (message: Buffer, isBinary: boolean) => {
      // What came in fragments, in order with what went past the library: it tells of a message as it reads its last byte.
      if (isBinary) events.data(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
      else this.#refuseText();
    });
    this.#socket.on('drain', () => events.drained());
    if (ws.readyState === ws.CLOSED) this.#close(this.#failure);
    else ws.resume();
  }

  write(pieces: Uint8Array[], bytes: number): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const socket = this.#socket;
    socket.cork();
    for (const part of this.#outlet.frame(pieces, bytes)) socket.write(part);
    socket.uncork();
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

/** Takes the listener off `socket` by which `ws` reads it; the result calls it. */
function takeListener(socket: Duplex): (chunk: Buffer) => void {
  const listeners = socket.listeners('data') as ((this: Duplex, chunk: Buffer) => void)[];
  const [listener] = listeners;
  if (listener === undefined || listeners.length > 1)
    throw new CircuitError('unsupported', `ws reads its socket by ${listeners.length} listeners, want one`);
  socket.off('data', listener);
  return (chunk) => listener.call(socket, chunk);
}
