import { type Clock, type Deferred, deferred } from '@circuit/base';
import type { Session } from '@circuit/channel';

/**
 * Which sessions belong to servers of the cluster. A server proves itself on a channel of its own; one that it opens
 * right afterwards may be looked at before the proof has been checked, so that question waits a bounded time.
 */
export class PeerProof {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #proofs = new WeakMap<Session, Deferred<boolean>>();

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** `session` is known to be a server's. */
  prove(session: Session): void {
    this.#of(session).resolve(true);
  }

  /** Whether `session` is a server's. */
  async isServer(session: Session): Promise<boolean> {
    const proof = this.#of(session);
    const timer = this.#clock.after(this.#waitMs, () => proof.resolve(false));
    const late = session.closed.then(() => false);
    try {
      return await Promise.race([proof.promise, late]);
    } finally {
      timer.cancel();
    }
  }

  #of(session: Session): Deferred<boolean> {
    const present = this.#proofs.get(session);
    if (present !== undefined) return present;
    const made = deferred<boolean>();
    this.#proofs.set(session, made);
    return made;
  }
}
