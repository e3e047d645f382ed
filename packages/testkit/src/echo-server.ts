import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP port, or a socket file. */
export type EchoPlace = { readonly host: string; readonly port: number } | { readonly path: string };

/** A plain server that sends back what it gets. */
export interface EchoServer {
  /** Its port; 0 for a socket file. */
  readonly port: number;
  /** How many connections it has. */
  readonly connections: number;
  /** Ends it with its connections. */
  close(): Promise<void>;
}

/** Starts an {@link EchoServer} on a free port, or at `place`. */
export async function startEcho(place: EchoPlace = { host: '127.0.0.1', port: 0 }): Promise<EchoServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    socket.pipe(socket);
  }).listen(place);
  await once(server, 'listening');
  const address = server.address() as AddressInfo | string;
  return {
    port: typeof address === 'string' ? 0 : address.port,
    get connections() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A port of 127.0.0.1 where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await startEcho();
  await server.close();
  return server.port;
}

/** Says `text` to the server at `place`: what comes back until the end, or the name of the error with which the connection ends. */
export function exchange(place: EchoPlace, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ ...place });
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve(answer));
    socket.end(text);
  });
}
