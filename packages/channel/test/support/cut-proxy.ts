import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../src/gateway/reset-socket.js';

/** A port of this machine, or the path of a Unix socket. */
type Place = number | string;

/** A proxy in front of a listener, whose connections a test cuts, freezes or refuses. */
export class CutProxy {
  /** Where connections go from now on. */
  target: Place;
  /** How many connections it has taken in all. */
  taken = 0;
  /** How often it has cut by counting. */
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Those that were there when everything froze. */
  readonly #held = new WeakSet<Socket>();
  #frozen = false;
  #left = Infinity;
  #next: () => number = () => Infinity;

  private constructor(target: Place) {
    this.target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      this.taken++;
      const far = connect({ ...placeOptions(this.target), allowHalfOpen: true, noDelay: true });
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /** In front of `target`, at any free port or at a path. */
  static async before(target: Place, front: Place = 0): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    proxy.#server.listen(placeOptions(front));
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection there is, by a reset where the system has one. */
  cut(): void {
    for (const socket of this.#sockets) {
      if (typeof this.target === 'number') resetSocket(socket);
      else socket.destroy();
    }
  }

  /** Cuts behind so many bytes, of both directions and all connections together, as `next` says; then asks it for the next cut. */
  cutEvery(next: () => number): void {
    this.#next = next;
    this.#left = next();
  }

  /** Passes nothing on in either direction any more, on connections there are and to come, without ending them. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) this.#held.add(socket.pause());
  }

  /** New connections are passed on again; frozen ones stay frozen. */
  thaw(): void {
    this.#frozen = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    if (this.#frozen) return;
    from.on('data', (chunk: Buffer) => this.#pass(chunk, from, to));
    from.on('end', () => to.end());
  }

  #pass(chunk: Buffer, from: Socket, to: Socket): void {
    const passed = Math.min(chunk.length, this.#left);
    this.#left -= passed;
    if (!to.write(chunk.subarray(0, passed))) {
      from.pause();
      to.once('drain', () => {
        if (!this.#held.has(from)) from.resume();
      });
    }
    if (this.#left > 0) return;
    this.#left = this.#next();
    this.cuts++;
    this.cut();
  }
}

function placeOptions(place: Place): { path: string } | { host: string; port: number } {
  return typeof place === 'string' ? { path: place } : { host: '127.0.0.1', port: place };
}
