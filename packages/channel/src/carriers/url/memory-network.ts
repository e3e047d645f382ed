import { CircuitError } from '@circuit/base';
import { checkSessionOptions } from '../../session/check-options.js';
import type { SessionOptions } from '../../session/options.js';
import { ChannelSession } from '../../session/session.js';
import { Deliveries, whenProved } from '../../session/when-proved.js';
import type { Session } from '../../types.js';
import { memoryPair } from '../memory-pair.js';

interface Waiting {
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The names under which sessions are taken in within one process: who has the same network reaches them. */
export class MemoryNetwork {
  readonly #listeners = new Map<string, (session: SessionOptions | undefined) => ChannelSession>();

  /** Rejects with `unreachable` if nobody listens under `name`. */
  async dial(name: string, options: Waiting = {}): Promise<Session> {
    const accept = this.#listeners.get(name);
    if (accept === undefined) {
      throw new CircuitError('unreachable', `dial memory ${name}: nobody listens`, { retryable: true });
    }
    checkSessionOptions(options.session, 'dialler');
    return whenProved(accept(options.session), options);
  }

  /** Takes sessions under `name` until the result is called. Throws `conflict` for a name that is taken, `invalid`. */
  listen(name: string, onSession: (session: Session) => void, session?: SessionOptions): () => void {
    if (this.#listeners.has(name)) {
      throw new CircuitError('conflict', `listen memory ${name}: somebody listens there already`);
    }
    checkSessionOptions(session, 'listener');
    const deliveries = new Deliveries(session, onSession);
    const accept = (dialling: SessionOptions | undefined): ChannelSession => {
      const [near, far] = memoryPair(name);
      const dialled = new ChannelSession(near, 'dialler', dialling);
      deliveries.add(new ChannelSession(far, 'listener', session));
      return dialled;
    };
    this.#listeners.set(name, accept);
    return () => {
      if (this.#listeners.get(name) === accept) this.#listeners.delete(name);
      deliveries.close();
    };
  }
}
