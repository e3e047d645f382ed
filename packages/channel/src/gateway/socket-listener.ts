import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { CircuitError } from '@circuit/base';
import { remote } from '../carriers/socket/addresses.js';
import { startListening } from '../carriers/socket/listener.js';
import { takeOver } from '../carriers/socket/read-memory.js';
import { resetSocket } from './reset-socket.js';
import { type SocketAddress, socketName, wantSocketAddress } from './socket-address.js';
import { SocketEnds } from './socket-ends.js';

/** How many connections a gateway carries at once if nothing else is said. */
export const defaultMaxConnections = 1024;

/** Where plain connections come in. */
export interface SocketListenerOptions {
  /** Port 0 takes any free one. A socket file is for this user only; it must not exist, and goes with the listener. */
  readonly listen: SocketAddress;
  /** One connection more than this is reset; 1,024 by default. */
  readonly maxConnections?: number | undefined;
  /** Owns the ends from then on. */
  readonly onConnection: (ends: SocketEnds, from: string) => void;
  /** Hears of a connection that was reset because there were too many. */
  readonly onRefused?: ((from: string, error: CircuitError) => void) | undefined;
}

/** A port or socket file that takes connections. */
export class SocketListener {
  /** Where it listens; the real port if 0 was asked for. */
  readonly address: SocketAddress;
  readonly #live: ReadonlySet<SocketEnds>;
  readonly #stop: () => Promise<void>;

  private constructor(address: SocketAddress, live: ReadonlySet<SocketEnds>, stop: () => Promise<void>) {
    this.address = address;
    this.#live = live;
    this.#stop = stop;
  }

  /** Begins to listen. Rejects with `conflict` for an address in use, `denied`, `invalid`. */
  static async open(options: SocketListenerOptions): Promise<SocketListener> {
    const { maxConnections = defaultMaxConnections, onConnection, onRefused } = options;
    const listen = wantSocketAddress(options.listen, 0);
    if (!(maxConnections >= 0))
      throw new CircuitError('invalid', `gateway: maxConnections ${maxConnections}, want a number from 0`);
    const live = new Set<SocketEnds>();
    const isUnix = 'path' in listen;
    // Paused, so that nothing is read before the connection goes over.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (incoming) => {
      const from = isUnix ? 'a local process' : remote(incoming);
      if (live.size >= maxConnections) {
        incoming.on('error', ignore);
        resetSocket(incoming);
        onRefused?.(from, new CircuitError('limit', `${maxConnections} connections are open`, { retryable: true }));
        return;
      }
      const { socket, memory } = takeOver(incoming);
      const ends = new SocketEnds(socket, isUnix ? socketName(listen) : `tcp ${from}`, memory);
      live.add(ends);
      void ends.closed.then(() => live.delete(ends));
      onConnection(ends, from);
    });
    const address = await startListening(server, listen, `listen ${socketName(listen)}`);
    if (isUnix) await chmod(listen.path, 0o600);
    const closed = new Promise<void>((resolve) => server.once('close', resolve));
    return new SocketListener(address, live, async () => {
      server.close();
      await closed;
      // The server counts none of those that went over.
      await Promise.all(Array.from(live, (ends) => ends.closed));
    });
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#live.size;
  }

  /** Takes no more connections; resolves when the last one is over. Idempotent. */
  close(): Promise<void> {
    return this.#stop();
  }

  /** Takes no more connections and resets those that are open. */
  async abort(reason: CircuitError): Promise<void> {
    const over = this.#stop();
    for (const ends of this.#live) ends.abort(reason);
    await over;
  }
}

function ignore(): void {}
