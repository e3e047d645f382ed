import { CircuitError, deadline, type Clock, type Logger, toCircuitError } from '@circuit/base';
import { type Accepted, relay, type Sender, type Session } from '@circuit/channel';
import { isServerId } from '@circuit/protocol';
import type { Cluster } from '../cluster.js';
import type { Requests } from '../dispatch/requests.js';
import { type Caller, readStamp, stampOf } from './caller.js';
import type { PeerProof } from './peer-proof.js';

export interface RouterOptions {
  readonly cluster: Cluster;
  readonly proof: PeerProof;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a relayed channel waits for the link to its server. */
  readonly linkMs: number;
  /** Takes the channels of servers for their membership; true when it took this one. */
  readonly takeMembership: (accepted: Accepted, session: Session, caller: Caller) => boolean;
}

/** Decides for each channel of a session whether it is served here or goes on to another server. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** The id of this server as of now. */
  get ownId(): string {
    return this.#options.cluster.self.id;
  }

  /** Takes over a channel that the other side of `session`, `caller`, has opened; this server was `knownAs` when the session began. */
  async route(
    accepted: Accepted,
    session: Session,
    caller: Caller,
    requests: Requests,
    knownAs: string = this.ownId,
  ): Promise<void> {
    const { takeMembership, cluster } = this.#options;
    if (takeMembership(accepted, session, caller)) return;
    const { receiver, target, origin } = accepted;
    try {
      if (target !== '' && !isServerId(target))
        throw new CircuitError('invalid', `target ${JSON.stringify(target.slice(0, 60))} is no server`);
      const isOurs = target === '' || target.toLowerCase() === cluster.self.id.toLowerCase();
      if (origin.length > 0) {
        const behind = await this.#stamped(origin, session, caller);
        // One server hands on for a client; a second would be a circle of stale views.
        if (!isOurs) throw unknownServer(target);
        await requests.serve(receiver, behind);
      } else if (!isOurs && target.toLowerCase() === knownAs.toLowerCase()) {
        // Who means this server by its former id must not reach the other one that has it.
        throw new CircuitError('gone', `${knownAs} is another server, this one is now ${cluster.self.id}`);
      } else if (isOurs) await requests.serve(receiver, caller);
      else await this.#relay(accepted, caller);
    } catch (error) {
      const reason = toCircuitError(error);
      this.#options.logger.debug('a channel was refused', { from: caller.address, reason: reason.message });
      receiver.cancel(reason);
    }
  }

  /** On whose behalf a server opened the channel. A client has nothing to stamp. */
  async #stamped(origin: Uint8Array, session: Session, caller: Caller): Promise<Caller> {
    if (!(await this.#options.proof.isServer(session)))
      throw new CircuitError('denied', 'only a server of the cluster may name an origin', { detail: 'origin' });
    const stamp = readStamp(origin, caller);
    if (!stamp.ok) throw stamp.error;
    return stamp.value;
  }

  async #relay({ receiver, target, codec }: Accepted, caller: Caller): Promise<void> {
    const { cluster, clock, linkMs } = this.#options;
    const id = `X${target.slice(1).toLowerCase()}`;
    if (!cluster.members().some((member) => member.id === id)) throw unknownServer(id);
    const limit = deadline(clock, linkMs, `link to ${id}`);
    let onward: Sender;
    try {
      const session = await cluster.sessionTo(id, { signal: limit.signal });
      onward = session.open({ target: id, origin: stampOf(caller), codec });
    } finally {
      limit.dispose();
    }
    relay(receiver, onward);
  }
}

function unknownServer(id: string): CircuitError {
  return new CircuitError('not-found', `no server ${id} in this cluster`, { detail: 'server' });
}
