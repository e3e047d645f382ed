import type { WaitOptions } from '@circuit/base';
import { CircuitError, type Clock, checkMs, deadline, linkSignals, systemClock, toCircuitError } from '@circuit/base';
import { serve } from '../helpers/serve.js';
import type { ByteDuplex, Receiver, Sender } from '../types.js';
import { ConnectionBudget } from './connection-budget.js';
import { dialSocket } from './dial-socket.js';
import { type SocketAddress, socketName, wantSocketAddress } from './socket-address.js';
import type { SocketEnds } from './socket-ends.js';
import { defaultMaxConnections, SocketListener } from './socket-listener.js';

/** What the other side of a session may do in this side's network. Nothing is allowed unless it is said. */
export interface FarSideOptions extends WaitOptions {
  /** Whether the other side may connect to this address from here. */
  readonly mayDial?: ((address: SocketAddress) => boolean) | undefined;
  /** Whether it may listen here; port 0 stands for any free one. */
  readonly mayListen?: ((address: SocketAddress) => boolean) | undefined;
  /** Bounds the connections, dialled and accepted together; several far sides may share one. 1,024 by default. */
  readonly budget?: ConnectionBudget | undefined;
  /** How long a dial may take, in milliseconds; 10,000 by default. */
  readonly dialMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A connection that the far side has accepted, as it is told. */
export interface FarConnection extends ByteDuplex {
  readonly from: string;
}

const defaultDialMs = 10_000;

/**
 * The far side of gateways, which takes `receiver` over: serves the requests of `dialVia` and `listenVia` that come by `receiver`, until the channel
 * ends. Connections that it opened go on; they end with their streams or with the session. Rejects with what the channel fails with.
 */
export async function serveGateway(receiver: Receiver, options: FarSideOptions = {}): Promise<void> {
  checkMs('dialMs', options.dialMs);
  const far = new FarSide(options);
  try {
    await serve(receiver, (value, ret) => far.handle(value, ret), { signal: options.signal });
  } finally {
    receiver.cancel(new CircuitError('closed', 'the gateway is no longer served'));
    far.close();
  }
}

class FarSide {
  readonly #options: FarSideOptions;
  readonly #over = new AbortController();
  readonly #budget: ConnectionBudget;

  constructor(options: FarSideOptions) {
    this.#options = options;
    this.#budget = options.budget ?? new ConnectionBudget(defaultMaxConnections);
  }

  close(): void {
    this.#over.abort(new CircuitError('closed', 'the gateway is no longer served'));
  }

  async handle(request: unknown, ret: Sender): Promise<void> {
    const { type, address } = (typeof request === 'object' && request !== null ? request : {}) as {
      readonly type?: unknown;
      readonly address?: unknown;
    };
    const gone = new AbortController();
    ret.closed.catch((reason: unknown) => gone.abort(toCircuitError(reason)));
    const linked = linkSignals(gone.signal, this.#over.signal);
    try {
      if (type === 'dial') await this.#dial(this.#allowed(address, 'dial'), ret, linked.signal);
      else if (type === 'listen') await this.#listen(this.#allowed(address, 'listen'), ret, linked.signal);
      else throw new CircuitError('invalid', `gateway: no request to dial or to listen: ${String(type).slice(0, 60)}`);
    } finally {
      linked.dispose();
    }
  }

  #allowed(value: unknown, what: 'dial' | 'listen'): SocketAddress {
    const { mayDial, mayListen } = this.#options;
    const address = wantSocketAddress(value, what === 'dial' ? 1 : 0);
    if ((what === 'dial' ? mayDial : mayListen)?.(address) === true) return address;
    throw new CircuitError('denied', `${what} ${socketName(address)}: not allowed from here`);
  }

  async #dial(address: SocketAddress, ret: Sender, signal: AbortSignal): Promise<void> {
    const { clock = systemClock, dialMs = defaultDialMs } = this.#options;
    const release = this.#budget.take();
    const limit = deadline(clock, dialMs, `dial ${socketName(address)}`);
    const linked = linkSignals(limit.signal, signal);
    let ends: SocketEnds;
    try {
      ends = await dialSocket(address, { signal: linked.signal });
    } catch (error) {
      release();
      throw error;
    } finally {
      linked.dispose();
      limit.dispose();
    }
    void ends.closed.then(release);
    await hand(ends, { reader: ends.reader, writer: ends.writer }, ret);
  }

  async #listen(address: SocketAddress, ret: Sender, signal: AbortSignal): Promise<void> {
    const listener = await SocketListener.open({
      listen: address,
      onConnection: (ends, from) => {
        try {
          void ends.closed.then(this.#budget.take());
        } catch (error) {
          ends.abort(toCircuitError(error));
          return;
        }
        hand(ends, { from, reader: ends.reader, writer: ends.writer }, ret).catch(ignore);
      },
    });
    try {
      await ret.send({ address: listener.address }, { signal });
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      void listener.close();
    }
  }
}

/** Sends the ends of a connection away; one that nobody takes is reset. */
async function hand(ends: SocketEnds, message: ByteDuplex | FarConnection, ret: Sender): Promise<void> {
  try {
    await ret.send(message);
  } catch (error) {
    ends.abort(toCircuitError(error));
    throw error;
  }
}

/**
 * Connects to `address` from the far side, where {@link serveGateway} reads what `far` sends. Rejects with what the far side's
 * system says: `unreachable`, `timeout`, `denied`, `limit` …; given up by its signal nothing stays open.
 */
export async function dialVia(far: Sender, address: SocketAddress, { signal }: WaitOptions = {}): Promise<ByteDuplex> {
  const answers = await far.send({ type: 'dial', address }, { returns: true, signal });
  try {
    const answer = await answers.receive({ returns: false, signal });
    if (answer.done) throw new CircuitError('protocol', `dial ${socketName(address)}: the far side gave no answer`);
    return answer.value as ByteDuplex;
  } catch (error) {
    answers.cancel(error);
    throw error;
  }
}

/** A listener on the far side. Whoever opens it closes it. */
export interface FarListener {
  /** Where it listens; the real port if 0 was asked for. */
  readonly address: SocketAddress;
  /** The next accepted connection, or `undefined` at the end. Whoever takes it owns its ends. */
  accept(options?: WaitOptions): Promise<FarConnection | undefined>;
  /** Takes no more connections; those that were accepted go on. */
  close(): void;
}

/** Listens on `address` of the far side. Rejects with `conflict` for an address in use, `denied`, `invalid`. */
export async function listenVia(
  far: Sender,
  address: SocketAddress,
  { signal }: WaitOptions = {},
): Promise<FarListener> {
  const answers = await far.send({ type: 'listen', address }, { returns: true, signal });
  try {
    const first = await answers.receive({ returns: false, signal });
    if (first.done) throw new CircuitError('protocol', `listen ${socketName(address)}: the far side gave no answer`);
    const bound = wantSocketAddress((first.value as { readonly address?: unknown }).address, 1);
    return {
      address: bound,
      async accept(options = {}) {
        const next = await answers.receive({ ...options, returns: false });
        return next.done ? undefined : (next.value as FarConnection);
      },
      close: () => answers.cancel(new CircuitError('closed', 'the listener was closed')),
    };
  } catch (error) {
    answers.cancel(error);
    throw error;
  }
}

function ignore(): void {}
