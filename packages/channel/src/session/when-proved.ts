import { checkFunction } from '@circuit/base';
import type { Session } from '../types.js';
import type { SessionOptions } from './options.js';
import { uncaught } from './uncaught.js';

interface Waiting {
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A session that was dialled, once its peer has proved the key, if it is to prove one. Given up or refused it is ended. */
export async function whenProved<S extends Session>(session: S, { session: options, signal }: Waiting): Promise<S> {
  return options?.auth === undefined ? session : options.auth.proved(session, signal);
}

/** The sessions of a listener on their way to `onSession`: those alone get there that have proved their key, if they are to prove one. */
export class Deliveries {
  readonly #proving: boolean;
  readonly #onSession: (session: Session) => void;
  readonly #unproved = new Set<Session>();

  /** Throws `invalid` for an `onSession` that is no function. */
  constructor(options: SessionOptions | undefined, onSession: (session: Session) => void) {
    checkFunction('listen: onSession', onSession);
    this.#proving = options?.auth !== undefined;
    this.#onSession = onSession;
  }

  add(session: Session): void {
    if (!this.#proving) {
      this.#deliver(session);
      return;
    }
    this.#unproved.add(session);
    session.ready.then(
      () => {
        if (this.#unproved.delete(session)) this.#deliver(session);
      },
      // Who has not proved it is refused by the session itself.
      () => this.#unproved.delete(session),
    );
  }

  /** Ends those that have proved nothing yet. */
  close(): void {
    const unproved = [...this.#unproved];
    this.#unproved.clear();
    for (const session of unproved) session.abort();
  }

  /** A session whose owner failed to take it is ended: nobody would. */
  #deliver(session: Session): void {
    try {
      this.#onSession(session);
    } catch (error) {
      session.abort();
      uncaught(error);
    }
  }
}
