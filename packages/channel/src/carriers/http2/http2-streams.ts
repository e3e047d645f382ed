import type { Http2SecureServer, Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { CircuitError } from '@circuit/base';
import type { Mounted } from '../web/http-listener.js';
import { pathOf } from '../web/path-of.js';
import { knowSocket } from './connection-watch.js';
import { channelType } from './http2-carrier.js';

/** Takes a stream over. */
export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A server of `node:http2`, over TLS or not. */
export type StreamServer = Http2Server | Http2SecureServer;

type Emit = (event: string, ...args: unknown[]) => boolean;

/**
 * The paths of one server that are ours. Every listener of `stream` hears of every stream, that of the `request` events
 * among them, and would answer ours as well: so ours are taken out before the server tells anybody.
 */
class StreamRoutes {
  readonly #server: StreamServer;
  readonly #routes = new Map<string, OnStream>();
  readonly #before: Emit;

  constructor(server: StreamServer) {
    this.#server = server;
    this.#before = server.emit.bind(server) as Emit;
    server.emit = this.#emit as typeof server.emit;
    server.on('session', knowSocket);
  }

  add(path: string, run: OnStream): void {
    if (this.#routes.has(path)) {
      throw new CircuitError('conflict', `mount http2 ${path}: sessions come in at that path already`);
    }
    this.#routes.set(path, run);
  }

  remove(path: string, run: OnStream): void {
    if (this.#routes.get(path) === run) this.#routes.delete(path);
  }

  readonly #emit: Emit = (event, ...args) => {
    if (event !== 'stream') return this.#before(event, ...args);
    const [stream, headers] = args as [ServerHttp2Stream, IncomingHttpHeaders];
    const run = this.#find(headers);
    if (run !== undefined) run(stream, headers);
    // Nobody else's either: nobody would ever answer it.
    else if (this.#server.listenerCount('stream') === 0) refuseStream(stream, 404, 'not found');
    else this.#before(event, ...args);
    return true;
  };

  #find(headers: IncomingHttpHeaders): OnStream | undefined {
    if (headers[':method'] !== 'POST' || headers['content-type'] !== channelType) return undefined;
    return this.#routes.get(pathOf(String(headers[':path'])));
  }
}

const known = new WeakMap<StreamServer, StreamRoutes>();

/** Sends the sessions that want in at `path` to `run`, until it is closed; everything else stays the server's. */
export function mountStream(server: StreamServer, path: string, run: OnStream): Mounted {
  if (!path.startsWith('/') || path.includes('?')) {
    throw new CircuitError('invalid', `mount http2 ${path}: want a path that begins with / and has no query`);
  }
  const routes = known.get(server) ?? new StreamRoutes(server);
  known.set(server, routes);
  routes.add(path, run);
  return { close: () => routes.remove(path, run) };
}

/** Answers a stream and drops what it still sends. */
export function refuseStream(stream: ServerHttp2Stream, status: number, text: string, challenge?: string): void {
  stream.on('error', ignore);
  if (stream.destroyed || stream.closed) return;
  stream.respond({
    ':status': status,
    'content-type': 'text/plain; charset=utf-8',
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
  });
  stream.resume();
  stream.end(`${text}\n`, () => stream.close());
}

function ignore(): void {}
