import type { Socket } from 'node:net';
import { endOfTurn } from '../../local/turn.js';
import type { Carrier, CarrierEvents } from '../../session/carrier.js';
import type { Lane } from '../../session/lane.js';
import type { PeerInfo } from '../../types.js';
import { BusyPoll } from '../polling/busy-poll.js';
import { type ReadMemory, takeFrom } from './read-memory.js';
import { writeTogether } from './write-together.js';

/** What some sockets have. */
export interface SocketExtras {
  readonly lane?: Lane | undefined;
  readonly memory?: ReadMemory | undefined;
}

/** A connected Node socket, plain or TLS, as a carrier. Takes the socket over. */
export class SocketCarrier implements Carrier {
  readonly peer: PeerInfo;
  readonly lane: Lane | undefined;
  readonly #socket: Socket;
  readonly #memory: ReadMemory | undefined;
  #busyPoll: BusyPoll | undefined;
  #failure: Error | undefined;

  /** `memory`: what the socket was made to read into. */
  constructor(socket: Socket, peer: PeerInfo, { lane, memory }: SocketExtras = {}) {
    this.#socket = socket;
    this.peer = peer;
    this.lane = lane;
    this.#memory = memory;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  schedule(run: () => void): void {
    endOfTurn(run);
  }

  start(events: CarrierEvents, busyPollMs?: number): void {
    const socket = this.#socket;
    const busyPoll = new BusyPoll(busyPollMs);
    this.#busyPoll = busyPoll;
    takeFrom(socket, this.#memory, (chunk, owned) => {
      busyPoll.arrived(chunk);
      events.data(chunk, owned);
    });
    socket.on('drain', () => events.drained());
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    // The peer said all it had to say; what it did not say goodbye for is lost either way.
    socket.on('end', () => socket.end());
    socket.on('close', () => events.closed(this.#failure));
    if (socket.destroyed) events.closed(this.#failure);
  }

  write(pieces: Uint8Array[], bytes: number): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return false;
    this.#busyPoll?.wrote(pieces, bytes);
    return writeTogether(socket, pieces);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
