import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { SocketAddress } from '@circuit/channel/gateway';

/** A plain server of a test. */
export interface PlainServer {
  readonly address: { readonly host: string; readonly port: number };
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** Listens on a free port, or the given one, of loopback. */
export async function plainServer(onSocket: (socket: Socket) => void, port = 0): Promise<PlainServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as { port: number }).port },
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

export async function digest(socket: Socket): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of socket) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
