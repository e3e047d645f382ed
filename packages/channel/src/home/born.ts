import type { CircuitError } from '@circuit/base';
import type { End } from '../local/end.js';
import type { Entry } from '../session/entry.js';
import { Away, type SinkAway, type SourceAway, shortOf } from './away.js';
import { BornReceiver } from './born-receiver.js';
import { BornSender } from './born-sender.js';
import { type Home, sinkHome, sourceHome } from './home-of.js';
import { loop } from './loop.js';

/** The far end of a channel that was born in the session, where it may come home. */
export function bornAway({ in: input, out }: Entry): Away | undefined {
  if (out instanceof BornSender) return new BornSource(out);
  return input instanceof BornReceiver ? new BornSink(input) : undefined;
}

/** The receiver of a channel that this process opened. */
class BornSource extends Away implements SourceAway {
  readonly #sender: BornSender;

  constructor(sender: BornSender) {
    super();
    this.#sender = sender;
  }

  get open(): boolean {
    return this.#sender.awaiting;
  }

  get short(): CircuitError | undefined {
    return shortOf(this.#sender);
  }

  stop(back: () => boolean): End {
    const { link, codec } = this.#sender;
    const { sender, receiver } = loop(link, codec);
    this.#sender.turnTo(sender, back);
    return receiver;
  }

  protected make(entry: Entry): Home | undefined {
    return sourceHome(entry, this);
  }
}

/** The sender of answers that this process asked for. */
class BornSink extends Away implements SinkAway {
  readonly #receiver: BornReceiver;

  constructor(receiver: BornReceiver) {
    super();
    this.#receiver = receiver;
  }

  get open(): boolean {
    return this.#receiver.awaiting;
  }

  await(arrived: () => void): End {
    const { link, codec } = this.#receiver;
    const inside = loop(link, codec);
    this.#receiver.turnTo(inside);
    // The receiver itself holds back what is sent from here on, copied as ever at the moment of the send.
    arrived();
    return inside.sender;
  }

  protected make(entry: Entry): Home | undefined {
    return sinkHome(entry, this);
  }
}
