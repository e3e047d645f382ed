import { CircuitError, deferred, isCircuitError } from '@circuit/base';
import { type Accepted, ChannelSession, memoryPair, type Session } from '@circuit/channel';
import { ServerIdentity } from '@circuit/keys';
import { ManualClock } from '@circuit/testkit';
import {
  type Member,
  type MembershipEvent,
  MeshMembership,
  type MeshOptions,
  type MeshSettings,
  membershipTarget,
} from '../../src/index.js';

/** One server of a {@link Network}: as much of a daemon as membership needs. */
export class Node {
  readonly address: string;
  readonly membership: MeshMembership;
  readonly events: MembershipEvent[] = [];
  readonly sessions = new Set<ChannelSession>();
  /** Ids told by `onSession`. */
  readonly told: string[] = [];
  readonly twins: Member[] = [];
  /** Accepted channels that were not for membership. */
  readonly others: Accepted[] = [];
  up = true;
  /** Takes connections, answers nothing and begins nothing, as a stopped process. */
  stopped = false;

  constructor(network: Network, address: string, identity: ServerIdentity, settings: Partial<MeshSettings>) {
    this.address = address;
    const options: MeshOptions = {
      identity,
      self: { addr: address, name: address, version: '1', dc: 'dc1', labels: {} },
      dial: (to, { signal }) => network.dial(this, to, signal),
      clock: network.clock,
      settings,
      hooks: {
        onSession: (session, id, dialled) => {
          this.told.push(id);
          if (dialled) this.serve(session);
        },
        onTwin: (twin) => {
          this.twins.push(twin);
          return ServerIdentity.generate();
        },
      },
    };
    this.membership = new MeshMembership(options);
    this.membership.watch((event) => this.events.push(event));
  }

  get id(): string {
    return this.membership.self.id;
  }

  /** The ids of the view, as one text. */
  get view(): string {
    return this.membership
      .members()
      .map((member) => member.id)
      .join(' ');
  }

  /** Joins and leaves, as `+ID` and `-ID`. */
  get changes(): readonly string[] {
    return this.events.flatMap((event) => {
      if (event.type === 'join') return [`+${event.member.id}`];
      return event.type === 'leave' ? [`-${event.member.id}`] : [];
    });
  }

  /** Joins without anybody waiting for it; the end of the test may cut it short. */
  join(address: string): void {
    this.membership.join(address).catch((error: unknown) => {
      if (!isCircuitError(error, 'closed')) throw error;
    });
  }

  serve(session: Session): void {
    void (async () => {
      try {
        for (;;) {
          const accepted = await session.accept();
          if (accepted.target === membershipTarget) this.membership.accept(accepted, session);
          else this.others.push(accepted);
        }
      } catch (error) {
        if (!isCircuitError(error)) throw error;
      }
    })();
  }

  /** As kill -9: nothing is said, all sessions are reset, nobody listens. */
  kill(): void {
    this.up = false;
    for (const session of this.sessions) session.abort(new CircuitError('aborted', 'killed'));
    void this.membership.close();
  }
}

/** Servers in one process, joined by memory sessions that can be cut. */
export class Network {
  readonly clock = new ManualClock();
  readonly nodes: Node[] = [];
  readonly #cuts = new Set<string>();
  readonly #open = new Set<ChannelSession>();
  #ports = 0;

  add(
    identity: ServerIdentity = ServerIdentity.generate(),
    settings: Partial<MeshSettings> = {},
    address?: string,
  ): Node {
    const node = new Node(this, address ?? `circuit://10.0.0.1:${++this.#ports}`, identity, settings);
    this.nodes.push(node);
    return node;
  }

  get living(): readonly Node[] {
    return this.nodes.filter((node) => node.up);
  }

  async dial(from: Node, address: string, signal: AbortSignal): Promise<Session> {
    await Promise.resolve();
    const to = this.nodes.find((node) => node.address === address && node.up);
    if (from.stopped || (to !== undefined && this.#cuts.has(pairOf(from, to)))) {
      const never = deferred<Session>();
      signal.addEventListener('abort', () => never.reject(signal.reason));
      return never.promise;
    }
    if (to === undefined)
      throw new CircuitError('unreachable', `dial ${address}: connection refused`, { detail: 'ECONNREFUSED' });
    const pair = memoryPair(`${from.address}-${to.address}`);
    const [near, far] = pair.map((carrier) => this.#cuttable(carrier, pairOf(from, to))) as typeof pair;
    const dialler = this.#session(from, near, 'dialler');
    if (!to.stopped) to.serve(this.#session(to, far, 'listener'));
    return dialler;
  }

  #session(node: Node, carrier: ReturnType<typeof memoryPair>[0], role: 'dialler' | 'listener'): ChannelSession {
    const session = new ChannelSession(carrier, role, { clock: this.clock });
    node.sessions.add(session);
    this.#open.add(session);
    void session.closed.then(() => {
      node.sessions.delete(session);
      this.#open.delete(session);
    });
    return session;
  }

  /** A carrier that loses everything while its pair is cut, also the news that it was closed. */
  #cuttable(carrier: ReturnType<typeof memoryPair>[0], pair: string): ReturnType<typeof memoryPair>[0] {
    const lossy = (run: () => void): void => {
      if (!this.#cuts.has(pair)) run();
    };
    return {
      peer: carrier.peer,
      schedule: (run) => carrier.schedule(run),
      start: (events) => carrier.start(events),
      write: (pieces, bytes) => lossy(() => carrier.write(pieces, bytes)),
      get bufferedBytes(): number {
        return carrier.bufferedBytes;
      },
      end: () => lossy(() => carrier.end()),
      destroy: () => lossy(() => carrier.destroy()),
    };
  }

  /** Nothing passes between the two groups until `heal`, and nobody is told. */
  silence(left: readonly Node[], right: readonly Node[]): void {
    for (const a of left) {
      for (const b of right) this.#cuts.add(pairOf(a, b));
    }
  }

  /** Nothing passes between the two groups until `heal`, and their connections are reset. */
  cut(left: readonly Node[], right: readonly Node[]): void {
    this.silence(left, right);
    for (const session of [...this.#open]) {
      const ends = session.peer.address.split('-');
      const nodes = ends.map((end) => this.nodes.find((node) => node.address === end && node.up));
      const [a, b] = nodes;
      if (a !== undefined && b !== undefined && this.#cuts.has(pairOf(a, b)))
        session.abort(new CircuitError('peer-gone', 'no sign of life'));
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Whether all `nodes` see exactly each other, with one session between every two. */
  agree(nodes: readonly Node[] = this.living): boolean {
    const ids = nodes
      .map((node) => node.id)
      .sort()
      .join(' ');
    return nodes.every(
      (node) =>
        node.view === ids &&
        nodes.every((other) => other === node || node.membership.sessionTo(other.id) !== undefined) &&
        node.sessions.size === nodes.length - 1,
    );
  }

  /** Moves time in small steps until `predicate` holds; throws after `boundMs` of the clock. */
  async until(what: string, predicate: () => boolean, boundMs = 120_000): Promise<void> {
    const end = this.clock.now() + boundMs;
    while (!predicate()) {
      if (this.clock.now() > end) throw new Error(`in vain: ${what}\n${this.describe()}`);
      await this.clock.advance(50);
    }
  }

  /** Moves time until `promise` is settled, and answers with its value. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    await this.until('a promise', () => done);
    return promise;
  }

  describe(): string {
    return this.living
      .map(
        (node) =>
          `${node.address} ${node.id}: ${node.view} · ${node.sessions.size} sessions · ${node.changes.join(' ')}`,
      )
      .join('\n');
  }

  /** Ends everything; answers with what is still open. */
  async close(): Promise<{ readonly sessions: number; readonly timers: number }> {
    for (const node of this.nodes) node.up = false;
    const closing = Promise.all(this.nodes.map((node) => node.membership.close()));
    for (const session of [...this.#open]) session.abort(new CircuitError('aborted', 'test over'));
    await closing;
    await this.clock.advance(0);
    return { sessions: this.#open.size, timers: this.clock.pending };
  }
}

function pairOf(a: Node, b: Node): string {
  return [a.address, b.address].sort().join('-');
}
