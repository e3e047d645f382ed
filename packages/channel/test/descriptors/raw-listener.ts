import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@circuit/testkit';
import { native, RawLane, RawSession } from './raw-lane.js';

/** A listener whose session and lane the test writes itself. */
export class RawListener {
  readonly path: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'raw-'));
    this.path = join(this.#folder, 's');
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      this.#sockets.push(socket);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(this.path, resolve));
  }

  async session(): Promise<RawSession> {
    return new RawSession((await this.#connection()).resume(), 'listener');
  }

  /** The next connection, of which nothing has been read. */
  async lane(): Promise<RawLane> {
    const socket = await this.#connection();
    const { _handle: handle } = socket as unknown as { readonly _handle: { readonly fd: number } };
    const lane = new RawLane(native().duplicate(handle.fd));
    socket.destroy();
    return lane;
  }

  close(): void {
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connection(): Promise<Socket> {
    await until('a connection', () => this.#sockets.length > 0);
    return this.#sockets.shift() as Socket;
  }
}
