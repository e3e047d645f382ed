import type { CircuitError, WaitOptions } from '@circuit/base';
import type { Sender } from '../types.js';
import { listenVia } from './far.js';
import { type CarryOptions, carry, checkCarryOptions } from './gateway.js';
import type { SocketAddress } from './socket-address.js';

/** A gateway that listens on the far side. */
export interface ReverseOptions extends CarryOptions, WaitOptions {
  /** A channel whose other end `serveGateway` reads, with `mayListen`. */
  readonly far: Sender;
  /** The address on the far side; port 0 takes any free one. */
  readonly listen: SocketAddress;
}

/** A reverse gateway at work. */
export interface ReverseGateway {
  /** Where the far side listens. */
  readonly address: SocketAddress;
  /** The far side takes no more connections; those under way go on. Idempotent. */
  close(): void;
  /** Resolves when nothing comes any more; rejects with what the far side or the session failed with. */
  readonly closed: Promise<void>;
}

/**
 * The other direction of `startGateway`: the far side listens, and each connection that it accepts is carried to what `dial`
 * gives on this side. If the dial fails the connection over there is reset. Rejects with `conflict` for an address in use,
 * `denied`, `invalid`.
 */
export async function startReverseGateway(options: ReverseOptions): Promise<ReverseGateway> {
  checkCarryOptions(options);
  const listener = await listenVia(options.far, options.listen, { signal: options.signal });
  let closing = false;
  const carryAll = async (): Promise<void> => {
    for (;;) {
      const connection = await listener.accept();
      if (connection === undefined) return;
      const { reader, writer, from } = connection;
      const abort = (reason: CircuitError): void => {
        reader.cancel(reason);
        writer.abort(reason);
      };
      void carry({ reader, writer, abort }, from, options);
    }
  };
  const closed = carryAll().catch((error: unknown) => {
    if (!closing) throw error;
  });
  closed.catch(() => undefined);
  return {
    address: listener.address,
    close() {
      closing = true;
      listener.close();
    },
    closed,
  };
}
