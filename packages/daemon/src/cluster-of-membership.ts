import { CircuitError, type Deferred, deferred, linkSignals, orAborted, type WaitOptions } from '@circuit/base';
import type { Session } from '@circuit/channel';
import type { Member as MemberRecord, Membership } from '@circuit/membership';
import type { Member, RejoinResponse } from '@circuit/protocol';
import type { Cluster } from './cluster.js';

/** The cluster as the membership of this server sees it. */
export class MembershipCluster implements Cluster {
  readonly #membership: Membership;
  readonly #awaited = new Map<string, Deferred<Session>>();

  constructor(membership: Membership) {
    this.#membership = membership;
  }

  get self(): Member {
    return memberOf(this.#membership.self);
  }

  members(): readonly Member[] {
    return this.#membership.members().map(memberOf);
  }

  async sessionTo(id: string, { signal }: WaitOptions = {}): Promise<Session> {
    const session = this.#membership.sessionTo(id);
    if (session !== undefined) return session;
    if (!this.#membership.members().some((member) => member.id === id))
      throw new CircuitError('not-found', `no server ${id} in this cluster`, { detail: 'server' });
    // It is alive, and its link is about to stand again; who gives up leaves nothing but an entry for the others.
    const awaited = this.#awaited.get(id) ?? deferred<Session>();
    this.#awaited.set(id, awaited);
    try {
      return await orAborted(awaited.promise, signal);
    } catch (cause) {
      const message = `no link to server ${id} came about in time`;
      throw new CircuitError('unreachable', message, { cause, retryable: true });
    }
  }

  /** Joins once: who asks hears at once that nobody answers there. */
  async rejoin(address: string, { signal }: WaitOptions = {}): Promise<RejoinResponse> {
    const failed = new AbortController();
    const linked = linkSignals(signal, failed.signal);
    let reason: CircuitError | undefined;
    const onRetry = (error: CircuitError): void => {
      reason = error;
      failed.abort(error);
    };
    try {
      return await this.#membership.join(address, { signal: linked.signal, onRetry });
    } catch (error) {
      throw reason ?? error;
    } finally {
      linked.dispose();
    }
  }

  /** A link to another server stands. */
  linked(id: string, session: Session): void {
    this.#awaited.get(id)?.resolve(session);
    this.#awaited.delete(id);
  }
}

function memberOf({ id, addr, name, version, dc, labels, joined }: MemberRecord): Member {
  return { id, addr, name, version, dc, labels, joined };
}
