import { CircuitError, type Clock, type Logger, toCircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { Requests } from '../dispatch/requests.js';
import type { Verbs } from '../dispatch/verbs.js';
import type { DaemonLimits } from '../limits.js';
import type { Caller } from './caller.js';
import type { Router } from './router.js';

export interface SessionsOptions {
  readonly verbs: Verbs;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: DaemonLimits;
}

/** The sessions that are served. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Set<Session>();
  #closing = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Serves the channels that the other side of `session` opens on behalf of `caller`, until the session is over. Owns a
   * session that came in; one that this server `dialled` belongs to who dialled it.
   */
  serve(session: Session, caller: Caller, { dialled = false }: { readonly dialled?: boolean } = {}): void {
    const { limits, logger, verbs } = this.#options;
    if (!dialled && (this.#closing || this.#sessions.size >= limits.maxSessions)) {
      const reason = this.#closing ? 'the server is ending' : `this server has ${limits.maxSessions} sessions`;
      logger.warn('a session was refused', { from: caller.address, reason });
      session.abort(new CircuitError('limit', reason, { retryable: true }));
      return;
    }
    if (!dialled) this.#keep(session, caller);
    const requests = new Requests(verbs, limits.maxRequestsInFlight, logger);
    void session.closed.then(() => requests.withdrawAll());
    void this.#accept(session, caller, requests, this.#options.router.ownId);
  }

  /** Takes no more and lets those that came in finish what is written; bounded by the grace time of a session. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  #keep(session: Session, caller: Caller): void {
    const { clock, limits, logger } = this.#options;
    this.#sessions.add(session);
    const timer = clock.after(limits.silentMs, () => {
      if (session.stats.bytesIn > 0) return;
      logger.warn('a session said nothing and was dropped', { from: caller.address, silentMs: limits.silentMs });
      session.abort(new CircuitError('timeout', `nothing was said within ${limits.silentMs} ms`));
    });
    void session.closed.then(() => {
      timer.cancel();
      this.#sessions.delete(session);
    });
  }

  /** `knownAs`: what this server was called when the session began. */
  async #accept(session: Session, caller: Caller, requests: Requests, knownAs: string): Promise<void> {
    try {
      for (;;) void this.#options.router.route(await session.accept(), session, caller, requests, knownAs);
    } catch (error) {
      this.#options.logger.debug('a session is over', { from: caller.address, reason: toCircuitError(error).message });
    }
  }
}
