import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a port, whose connections a test cuts, freezes or refuses. */
export interface CutProxy {
  readonly port: number;
  /** How many connections it has taken in all. */
  readonly taken: number;
  /** Resets every connection there is. */
  cut(): void;
  /** Passes nothing on in either direction any more, on connections there are and to come, without ending them. */
  freeze(): void;
  /** New connections are passed on again; frozen ones stay frozen. */
  thaw(): void;
  /** Where connections go from now on. */
  target: number;
  readonly close: () => Promise<void>;
}

export async function cutProxy(target: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let taken = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    taken++;
    const far = connect({ host: '127.0.0.1', port: proxy.target, allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (!frozen) from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const proxy: CutProxy = {
    target,
    port: (server.address() as { port: number }).port,
    get taken() {
      return taken;
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    freeze() {
      frozen = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    thaw() {
      frozen = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return proxy;
}
