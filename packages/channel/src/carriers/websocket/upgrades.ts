import type { IncomingMessage, Server } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { CircuitError } from '@circuit/base';
import type { Mounted } from '../web/http-listener.js';
import { pathOf } from '../web/path-of.js';

/** An HTTP/1 server; an HTTP/2 server over TLS takes WebSockets with `allowHTTP1`. */
export type UpgradeServer = Server | SecureServer | Http2SecureServer;

/** Takes an upgrade over: its socket belongs to the handler. */
export type OnUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** The paths of one server that are ours. */
class Upgrades {
  readonly #server: UpgradeServer;
  readonly #routes = new Map<string, OnUpgrade>();

  constructor(server: UpgradeServer) {
    this.#server = server;
  }

  add(path: string, run: OnUpgrade): void {
    if (this.#routes.has(path)) {
      throw new CircuitError('conflict', `mount websocket ${path}: sessions come in at that path already`);
    }
    if (this.#routes.size === 0) this.#server.on('upgrade', this.#dispatch);
    this.#routes.set(path, run);
  }

  remove(path: string, run: OnUpgrade): void {
    if (this.#routes.get(path) !== run) return;
    this.#routes.delete(path);
    if (this.#routes.size === 0) this.#server.off('upgrade', this.#dispatch);
  }

  readonly #dispatch = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const run = this.#routes.get(pathOf(request.url ?? ''));
    if (run !== undefined) {
      run(request, socket, head);
      return;
    }
    // Another handler's. If there is none nobody would ever end the connection.
    if (this.#server.listenerCount('upgrade') > 1) return;
    socket.on('error', ignore);
    socket.once('finish', () => socket.destroy());
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  };
}

const known = new WeakMap<UpgradeServer, Upgrades>();

/** Sends the upgrades of `path` to `run`, until it is closed. */
export function mountUpgrade(server: UpgradeServer, path: string, run: OnUpgrade): Mounted {
  if (!path.startsWith('/') || path.includes('?')) {
    throw new CircuitError('invalid', `mount websocket ${path}: want a path that begins with / and has no query`);
  }
  const upgrades = known.get(server) ?? new Upgrades(server);
  known.set(server, upgrades);
  upgrades.add(path, run);
  return { close: () => upgrades.remove(path, run) };
}

function ignore(): void {}
