import { CircuitError, type Clock, systemClock, toCircuitError } from '@circuit/base';
import {
  type Accepted,
  ChannelSession,
  memoryPair,
  type Receiver,
  relay,
  type Sender,
  type Session,
} from '@circuit/channel';
import { connectSession } from '../src/connect-session.js';
import type { Cluster } from '../src/cluster.js';
import {
  type AckOf,
  type EventOf,
  eventReply,
  failureReply,
  type Member,
  orThrow,
  parseRequest,
  protocolVersion,
  type RequestOf,
  type ResponseOf,
  resultReply,
  type VerbName,
} from '@circuit/protocol';

/** How a test answers a verb. */
interface Reply<V extends VerbName> {
  event(event: EventOf<V>): Promise<void>;
  ask(event: EventOf<V>): Promise<AckOf<V> | undefined>;
  /** Asks with `event` and answers with the channel of all that the client says to it. */
  listen(event: EventOf<V>): Promise<Receiver>;
  /** Resolves with the reason when the client has given the request up. */
  readonly gone: Promise<CircuitError>;
}

export type Handlers = {
  [V in VerbName]?: (body: RequestOf<V>, reply: Reply<V>) => Promise<ResponseOf<V>> | ResponseOf<V>;
};

/** A server that speaks the protocol over sessions in memory and does what a test tells it. */
export class TestServer {
  readonly id: string;
  readonly handlers: Handlers;
  /** Every request that came, in order. */
  readonly heard: { readonly verb: VerbName; readonly body: unknown }[] = [];
  readonly sessions: Session[] = [];
  readonly #peers = new Map<string, { readonly server: TestServer; session?: Session }>();

  constructor(id: string, handlers: Handlers = {}) {
    this.id = id;
    this.handlers = { ping: () => ({ id, protocol: protocolVersion, wallMs: 0 }), ...handlers };
  }

  /** Servers that this one relays to and shows in `servers`. */
  knows(...servers: readonly TestServer[]): this {
    for (const server of servers) this.#peers.set(server.id, { server });
    this.handlers.servers = () => ({ members: [this, ...servers].map((server) => member(server.id)) });
    return this;
  }

  /** The dialling end of a new session with this server. */
  dial(): Session {
    const [near, far] = memoryPair(this.id);
    this.serve(new ChannelSession(far, 'listener', { keepAliveMs: 0, home: false }));
    return new ChannelSession(near, 'dialler', { keepAliveMs: 0 });
  }

  /** Answers on a session that came in. */
  serve(session: Session): void {
    this.sessions.push(session);
    void this.#serve(session);
  }

  connect(clock: Clock = systemClock): Promise<Cluster> {
    return connectSession(this.dial(), { addr: `circuit://${this.id.toLowerCase()}:1`, clock });
  }

  /** Cuts every session at once, as kill -9 would. */
  kill(): void {
    for (const session of this.sessions) session.abort(new CircuitError('peer-gone', 'killed'));
    for (const peer of this.#peers.values()) peer.session?.abort();
  }

  async #serve(session: Session): Promise<void> {
    try {
      for (;;) this.#accept(await session.accept());
    } catch {
      // The session is over.
    }
  }

  #accept({ receiver, target }: Accepted): void {
    if (target === '') void this.#requests(receiver);
    else {
      const peer = this.#peers.get(target);
      if (peer === undefined) {
        receiver.cancel(new CircuitError('not-found', `no server ${target}`));
        return;
      }
      peer.session ??= peer.server.dial();
      relay(receiver, peer.session.open());
    }
  }

  async #requests(receiver: Receiver): Promise<void> {
    try {
      for (;;) {
        const received = await receiver.receive();
        if (received.done) return;
        void this.#answer(received.value, received.ret);
      }
    } catch {
      // The channel broke; its requests hear of it by themselves.
    }
  }

  async #answer(value: unknown, ret: Sender): Promise<void> {
    const { verb, body } = orThrow(parseRequest(value));
    this.heard.push({ verb, body });
    const gone = new Promise<CircuitError>((resolve) => {
      ret.closed.catch((reason: unknown) => resolve(toCircuitError(reason)));
    });
    const reply: Reply<VerbName> = {
      gone,
      event: (event) => ret.send(eventReply(event)),
      listen: (event) => ret.send(eventReply(event), { returns: true }),
      async ask(event) {
        const answers = await ret.send(eventReply(event), { returns: true });
        const answer = await answers.receive().catch(() => undefined);
        return answer?.value as AckOf<VerbName> | undefined;
      },
    };
    const handler = this.handlers[verb] as
      | ((body: unknown, reply: Reply<VerbName>) => Promise<ResponseOf<VerbName>>)
      | undefined;
    try {
      if (handler === undefined) throw new CircuitError('unsupported', `the test has no answer to ${verb}`);
      await ret.send(resultReply(await handler(body, reply)));
    } catch (error) {
      await ret.send(failureReply(toCircuitError(error))).catch(() => undefined);
    }
    ret.close();
  }
}

/** What `servers` says of a server in a test. */
function member(id: string): Member {
  return {
    id,
    addr: `circuit://${id.toLowerCase()}:1`,
    name: id,
    version: '0.1.0',
    dc: '',
    labels: {},
    joined: '2026-01-01T00:00:00.000Z',
  };
}
