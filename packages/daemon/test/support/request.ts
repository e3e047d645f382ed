import { CircuitError } from '@circuit/base';
import type { Receiver, Sender, Session } from '@circuit/channel';
import { type EventOf, orThrow, parseReply, type RequestOf, type ResponseOf, type VerbName } from '@circuit/protocol';

/** An event as it comes, with the way to answer it. */
export interface Told<V extends VerbName> {
  readonly event: EventOf<V>;
  readonly ret: Sender;
}

/** One request as a client makes it. */
export class Asked<V extends VerbName> {
  readonly result: Promise<ResponseOf<V>>;
  readonly events: Told<V>[] = [];
  #wake: (() => void) | undefined;
  #over = false;
  #answers: Receiver | undefined;

  constructor(channel: Sender, verb: V, body: RequestOf<V>) {
    this.result = this.#run(channel, verb, body);
    this.result.catch(() => undefined);
  }

  /** The next event, or `undefined` when the answer has come. */
  async next(): Promise<Told<V> | undefined> {
    for (;;) {
      const told = this.events.shift();
      if (told !== undefined) return told;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  giveUp(): void {
    this.#answers?.cancel(new CircuitError('cancelled', 'given up'));
  }

  async #run(channel: Sender, verb: V, body: RequestOf<V>): Promise<ResponseOf<V>> {
    try {
      this.#answers = await channel.send({ verb, body }, { returns: true });
      for (;;) {
        const received = await this.#answers.receive();
        if (received.done) throw new CircuitError('outcome-unknown', `${verb}: no answer`);
        const reply = orThrow(parseReply(verb, received.value));
        if (reply.type === 'failure') throw reply.error;
        if (reply.type === 'result') {
          received.ret.close();
          return reply.result;
        }
        this.events.push({ event: reply.event, ret: received.ret });
        this.#wake?.();
      }
    } finally {
      this.#over = true;
      this.#wake?.();
    }
  }
}

/** A client of one server, as thin as can be. */
export class TestClient {
  readonly session: Session;
  readonly #channel: Sender;

  constructor(session: Session, target = '') {
    this.session = session;
    this.#channel = session.open({ target });
    this.#channel.closed.catch(() => undefined);
  }

  ask<V extends VerbName>(verb: V, body: RequestOf<V>): Asked<V> {
    return new Asked(this.#channel, verb, body);
  }

  call<V extends VerbName>(verb: V, body: RequestOf<V>): Promise<ResponseOf<V>> {
    return this.ask(verb, body).result;
  }
}
