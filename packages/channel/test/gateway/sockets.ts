import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SocketAddress } from '@circuit/channel/gateway';

/** A plain server of a test. */
export interface PlainServer {
  readonly address: SocketAddress;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** Listens at `place`, by default on a free port of loopback. */
export async function plainServer(
  onSocket: (socket: Socket) => void,
  place: SocketAddress = { host: '127.0.0.1', port: 0 },
): Promise<PlainServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  server.listen(place);
  await once(server, 'listening');
  return {
    address: 'path' in place ? place : { host: place.host, port: (server.address() as { port: number }).port },
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Connects a client that half-closes by itself only. */
export async function dialPlain(address: SocketAddress): Promise<Socket> {
  const socket = connect({ ...address, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** Everything until the end, as text; by events, since a loop over a socket destroys it at the end. */
export function readText(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** How a socket ends: `end` after an orderly one, else the system's name for the error. */
export function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('close'));
    socket.resume();
  });
}

/** Connects, and tells how that ends; a reset may come before the connection was seen. */
export async function fate(address: SocketAddress): Promise<string> {
  return endOf(connect({ ...address, allowHalfOpen: true }));
}

/** Length and SHA-256 of everything until the end; by events, as above. */
export function digest(socket: Socket): Promise<{ readonly bytes: number; readonly sha256: string }> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    socket.once('error', reject);
    socket.once('end', () => resolve({ bytes, sha256: hash.digest('hex') }));
  });
}
