import type { WaitOptions } from '@circuit/base';
import {
  CircuitError,
  type Clock,
  checkFunction,
  checkMs,
  deadline,
  linkSignals,
  orAborted,
  systemClock,
  toCircuitError,
} from '@circuit/base';
import { tellOwner } from '../carriers/tell-owner.js';
import { relayBytes } from '../helpers/relay.js';
import type { ByteDuplex } from '../types.js';
import type { SocketAddress } from './socket-address.js';
import type { SocketEnds } from './socket-ends.js';
import { SocketListener } from './socket-listener.js';

/** Gives a byte stream to what a connection is to be carried to. What it gives after its signal has fired is ended at once. */
export type Dial = (options: WaitOptions) => Promise<ByteDuplex>;

/** A connection that was not carried. */
export interface CarryFailure {
  /** Who connected. */
  readonly from: string;
  readonly error: CircuitError;
}

/** What carries connections from one side to the other. */
export interface CarryOptions {
  /** Called once for each connection. */
  readonly dial: Dial;
  /** How long a dial may take, in milliseconds; 10,000 by default. */
  readonly dialMs?: number | undefined;
  /** Hears why a connection was not carried, once for each; the connection has been reset by then. What it throws is dropped. */
  readonly onFailure?: ((failure: CarryFailure) => void) | undefined;
  readonly clock?: Clock | undefined;
}

/** A gateway that listens on this side. */
export interface GatewayOptions extends CarryOptions {
  /** Port 0 takes any free one. */
  readonly listen: SocketAddress;
  /** One connection more than this is reset; 1,024 by default. */
  readonly maxConnections?: number | undefined;
  /** How long `close()` leaves the open connections be, in milliseconds; 5,000 by default. */
  readonly graceMs?: number | undefined;
}

/** A gateway at work. */
export interface Gateway {
  /** Where it listens; the real port if 0 was asked for. */
  readonly address: SocketAddress;
  /** How many connections are open. */
  readonly connections: number;
  /** Takes no more connections; those that are open are reset after the grace time. Idempotent. */
  close(): Promise<void>;
  /** Resets every connection and takes no more. */
  abort(reason?: CircuitError): Promise<void>;
  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export const defaultDialMs = 10_000;
export const defaultGraceMs = 5000;

/**
 * Listens on a TCP port or Unix path of this side and carries each accepted connection as a byte stream to what `dial` gives,
 * with half close, resets and back-pressure. What a client sends while its dial is under way waits; if the dial fails its
 * connection is reset. Whoever starts it closes it. Rejects with `conflict` for an address in use, `denied`, `invalid`.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock = systemClock, graceMs = defaultGraceMs, onFailure, maxConnections } = options;
  checkMs('graceMs', graceMs);
  checkCarryOptions(options);
  const listener = await SocketListener.open({
    listen: options.listen,
    maxConnections,
    onConnection: (ends, from) => void carry(ends, from, options),
    onRefused: (from, error) => tellOwner(onFailure, { from, error }),
  });
  const abort = (reason = new CircuitError('closed', 'the gateway was closed')): Promise<void> =>
    listener.abort(reason);
  const close = async (): Promise<void> => {
    const timer = clock.after(graceMs, () => void abort());
    await listener.close();
    timer.cancel();
  };
  return {
    address: listener.address,
    get connections() {
      return listener.connections;
    },
    close,
    abort,
    [Symbol.asyncDispose]: close,
  };
}

/** Throws `invalid` for what could carry no connection. */
export function checkCarryOptions({ dial, dialMs }: CarryOptions): void {
  checkMs('dialMs', dialMs);
  checkFunction('gateway: dial', dial);
}

/** Carries one connection; resolves when it is carried or has failed, never rejects. */
export async function carry(
  ends: Pick<SocketEnds, 'reader' | 'writer' | 'abort'> & { readonly closed?: Promise<unknown> },
  from: string,
  { dial, dialMs = defaultDialMs, onFailure, clock = systemClock }: CarryOptions,
): Promise<void> {
  const limit = deadline(clock, dialMs, 'dial');
  const hungUp = new AbortController();
  const linked = linkSignals(limit.signal, hungUp.signal);
  void ends.closed?.then(() => hungUp.abort(new CircuitError('peer-gone', 'the client hung up')));
  const dialling = begin(dial, linked.signal);
  try {
    const far = await orAborted(dialling, linked.signal);
    relayBytes(ends.reader, far.writer);
    relayBytes(far.reader, ends.writer);
  } catch (reason) {
    const error = toCircuitError(reason);
    ends.abort(error);
    void giveUp(dialling, error);
    tellOwner(onFailure, { from, error });
  } finally {
    linked.dispose();
    limit.dispose();
  }
}

async function begin(dial: Dial, signal: AbortSignal): Promise<ByteDuplex> {
  return dial({ signal });
}

/** Ends what a dial gives that nobody waits for any more. */
async function giveUp(dialling: Promise<ByteDuplex>, error: CircuitError): Promise<void> {
  try {
    const { reader, writer } = await dialling;
    writer.abort(error);
    reader.cancel(error);
  } catch {
    // It failed, or gave no stream.
  }
}
