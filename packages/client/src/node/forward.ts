import {
  CircuitError,
  type Clock,
  deadline,
  isCircuitError,
  linkSignals,
  pause,
  systemClock,
  throwIfAborted,
  type WaitOptions,
} from '@circuit/base';
import { type Gateway, type SocketAddress, startGateway } from '@circuit/channel/gateway';
import { orThrow, parseSocketTarget } from '@circuit/protocol';
import type { Cluster } from '../cluster.js';
import type { Forwarding } from '../forwarding.js';

/** What is forwarded, and who hears of it. */
export interface ForwardOptions extends WaitOptions {
  /** Connects to the cluster: at the start, and again after each loss. The forward closes what it gives. */
  readonly connect: (options: { readonly signal: AbortSignal; readonly timeoutMs: number }) => Promise<Cluster>;
  /** The server that dials, `/X…`. */
  readonly server: string;
  /** What it dials: `HOST:PORT` or `unix:/PATH`, as its host's network has them. */
  readonly to: string;
  /** Where connections come in: the first of these that can be had. */
  readonly listen: readonly SocketAddress[];
  /** Connections at once; one more is reset. 1,024 by default. */
  readonly maxConnections?: number;
  /** Hears when the server is lost, and why, and when it is back. */
  readonly onState?: (
    state: { readonly type: 'back' } | { readonly type: 'away'; readonly error: CircuitError },
  ) => void;
  /** Hears why a connection was reset before it reached the other side. */
  readonly onFailure?: (failure: { readonly from: string; readonly error: CircuitError }) => void;
  readonly clock?: Clock;
}

/** A local port or socket file whose connections a server of the cluster carries on. */
export interface Forward {
  /** Where it listens; the real port if 0 was asked for. */
  readonly address: SocketAddress;
  /** Takes no more connections and resets those that are open. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One attempt to get the server back, and the pause behind it: together below the five seconds that a return may take. */
const attemptMs = 3000;
const pauseMs = 500;

/**
 * Listens here and carries each connection to `to` through a server of the cluster, which dials. The port stays open while the server is
 * away: connections of that time are reset at once, and it is sought until it is back. Whoever starts it closes it. Rejects, and
 * leaves nothing open, when the server cannot be had at the start: `unreachable`, `denied`, `not-found`; `conflict` for a port in use.
 */
export async function startForward(options: ForwardOptions): Promise<Forward> {
  const { clock = systemClock, maxConnections, onFailure } = options;
  orThrow(parseSocketTarget(options.to));
  const link = new Link(options, clock);
  try {
    await link.open({ signal: options.signal });
    const gateway = await listen(options.listen, { clock, maxConnections, onFailure, dial: (wait) => link.dial(wait) });
    link.keep();
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= Promise.all([gateway.abort(), link.close()]).then(() => undefined);
      return closing;
    };
    return { address: gateway.address, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** The first of `places` where nobody listens yet and this user may. */
async function listen(
  places: readonly SocketAddress[],
  options: Omit<Parameters<typeof startGateway>[0], 'listen'>,
): Promise<Gateway> {
  const [first, ...others] = places;
  if (first === undefined) throw new CircuitError('invalid', 'forward: no address to listen on: give one');
  try {
    return await startGateway({ ...options, listen: first });
  } catch (error) {
    if (others.length > 0 && (isCircuitError(error, 'conflict') || isCircuitError(error, 'denied')))
      return listen(others, options);
    throw error;
  }
}

/** The server that dials, lost and found again. */
class Link {
  readonly #options: ForwardOptions;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #cluster: Cluster | undefined;
  #forwarding: Forwarding | undefined;
  #keeping: Promise<void> | undefined;

  constructor(options: ForwardOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  dial(options: WaitOptions): ReturnType<Forwarding['dial']> {
    if (this.#forwarding === undefined)
      return Promise.reject(
        new CircuitError('unreachable', `${this.#options.server} is away`, { detail: 'away', retryable: true }),
      );
    return this.#forwarding.dial(options);
  }

  /** Connects to the cluster and asks the server. */
  async open({ signal }: WaitOptions = {}): Promise<void> {
    const { connect, server, to } = this.#options;
    const linked = linkSignals(signal, this.#over.signal);
    let cluster: Cluster | undefined;
    try {
      cluster = await connect({ signal: linked.signal, timeoutMs: attemptMs });
      const forwarding = await cluster.walk(server).server().forward(to, { signal: linked.signal });
      // A close that came with the answer has found neither of them.
      throwIfAborted(linked.signal);
      this.#forwarding = forwarding;
      this.#cluster = cluster;
    } catch (error) {
      await cluster?.close();
      throw error;
    } finally {
      linked.dispose();
    }
  }

  /** Seeks the server whenever it is lost, from now on. */
  keep(): void {
    this.#keeping = this.#keep();
  }

  async close(): Promise<void> {
    this.#over.abort(new CircuitError('closed', 'the forward was closed'));
    this.#forwarding?.close();
    await this.#cluster?.close();
    await this.#keeping;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      const error = await this.#forwarding?.closed;
      if (signal.aborted) return;
      await this.#lose(error ?? new CircuitError('peer-gone', 'the server takes no more connections'));
      await this.#seek();
    }
  }

  async #lose(error: CircuitError): Promise<void> {
    this.#forwarding = undefined;
    this.#options.onState?.({ type: 'away', error });
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await cluster?.close();
  }

  async #seek(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const limit = deadline(this.#clock, attemptMs, 'looking for the server');
      try {
        await this.open({ signal: limit.signal });
        this.#options.onState?.({ type: 'back' });
        return;
      } catch {
        // Whatever the reason is, it may pass: a server that starts refuses in many ways.
        await pause(this.#clock, pauseMs, { signal }).catch(() => undefined);
      } finally {
        limit.dispose();
      }
    }
  }
}
