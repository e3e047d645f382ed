import { type CircuitError, type Deferred, deferred } from '@circuit/base';
import { memoryPair } from '../carriers/memory-pair.js';
import type { Codec, PluggedCodec } from '../codec/codec.js';
import { enqueue, resolveAll, turnAwayAll } from '../local/demand.js';
import { loss } from '../local/loss.js';
import { Entry } from '../session/entry.js';
import { InMessage } from '../session/in-message.js';
import type { Link } from '../session/link.js';
import type { OpenFrame } from '../session/open-frame.js';
import type { SessionOptions } from '../session/options.js';
import type { OutMessage } from '../session/out-message.js';
import type { ChannelSession } from '../session/session.js';
import { Unpacker } from '../session/unpacker.js';
import type { ReceiveOptions, ReceiveResult } from '../types.js';
import * as refKind from '../wire/ref-kind.js';

/** Both ends of a channel inside this process whose values are copied, as between processes. */
export interface Loop {
  readonly sender: OutMessage;
  readonly receiver: LoopReceiver;
}

/** The receiving half of a loop: there before its session has heard of the channel, and to be had by who comes home to it. */
export class LoopReceiver extends InMessage {
  readonly #finished: Deferred = deferred();
  /** It came home from a trip: acknowledgements of what it gave to a pump may still be on their way here. */
  #regained = false;

  constructor(...parts: ConstructorParameters<typeof InMessage>) {
    super(...parts);
    this.#finished.promise.catch(ignore);
  }

  /** Rejects when the channel fails. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  demand(
    { returns, signal }: ReceiveOptions,
    resolve: (result: ReceiveResult) => void,
    reject: (error: CircuitError) => void,
  ): void {
    enqueue(this.waiting, { returns: returns !== false, resolve, reject, release: undefined }, signal);
  }

  turnAway(): void {
    turnAwayAll(this.waiting);
  }

  /** A cancel that overtakes acknowledgements must not say that nothing was taken. */
  override cancelNow(reason: CircuitError): void {
    super.cancelNow(this.#regained ? loss(reason) : reason);
  }

  caughtUp(): void {
    if (this.taken > 0) this.acknowledge(this.taken);
  }

  override regain(): this {
    this.#regained = true;
    resolveAll(this.waiting, { done: true });
    return this;
  }

  protected override rejectWaiting(reason: CircuitError): void {
    super.rejectWaiting(reason);
    this.#finished.reject(reason);
  }
}

/** Two sessions that end here. */
interface Pair {
  readonly near: ChannelSession;
  readonly far: ChannelSession;
  /** What `near` has opened and `far` has not heard of, in the order of both. */
  readonly expected: Entry[];
}

/** Beyond so many those without a channel are closed: bounds or a codec may be those of a single session. */
const keptPairs = 8;

/** By codec and bounds, in the order of their making. */
const pairs = new Map<string, Pair>();
/** What tells plugged codecs apart: two may have the same name. */
const pluggedNumbers = new WeakMap<Codec, number>();
let pluggedCount = 0;
const unpacker = new Unpacker();

/**
 * A channel through memory with the codec and the bounds of one that was born in the session of `link`. All such channels share a pair of
 * sessions, which costs nothing while nobody speaks and is not closed while it has a channel.
 */
export function loop(link: Link, codec: Codec): Loop {
  const { near, far, expected } = pairFor(link, codec);
  const sender = near.open({ codec: codec.name }) as unknown as OutMessage;
  const entry = new Entry(refKind.receiver);
  const receiver = new LoopReceiver(far, entry, codec, unpacker);
  entry.in = receiver;
  expected.push(entry);
  return { sender, receiver };
}

function pairFor(link: Link, codec: Codec): Pair {
  // Whoever came home had its place in a table and its bytes counted before; here the window of each channel bounds it.
  const limits = { ...link.limits, maxChannels: Number.MAX_SAFE_INTEGER, maxUnreadBytes: Number.MAX_SAFE_INTEGER };
  const plugged = 'refusal' in codec;
  const key = JSON.stringify([plugged ? numberOf(codec) : 0, limits]);
  const old = pairs.get(key);
  if (old !== undefined && old.near.refusal === undefined && old.far.refusal === undefined) return old;
  closeIdle();
  const made = connect(link, { limits, codecs: plugged ? [codec as PluggedCodec] : [], keepAliveMs: 0 });
  pairs.set(key, made);
  return made;
}

function numberOf(codec: Codec): number {
  const known = pluggedNumbers.get(codec) ?? ++pluggedCount;
  pluggedNumbers.set(codec, known);
  return known;
}

/** Makes room for one more pair, the oldest first. */
function closeIdle(): void {
  for (const [key, { near, far, expected }] of pairs) {
    if (pairs.size < keptPairs) return;
    if (near.table.size + far.table.size + expected.length > 0) continue;
    pairs.delete(key);
    near.abort();
  }
}

/** A session's class would import this file in a circle: its own session says it. */
function connect(link: Link, options: SessionOptions): Pair {
  const Channels = link.constructor as typeof ChannelSession;
  const expected: Entry[] = [];
  /** The side whose receivers are there already, and which nobody asks to accept them. */
  class FarEnd extends Channels {
    override opened(_open: OpenFrame, id: number): string | undefined {
      const entry = expected.shift();
      if (entry === undefined) return `channel ${id} opened by nobody`;
      const fault = this.table.addPeer(entry, id);
      if (fault === undefined) this.activate(entry);
      return fault;
    }
  }
  const [a, b] = memoryPair('home');
  const [near, far] = [new Channels(a, 'dialler', options), new FarEnd(b, 'listener', options)];
  void far.closed.then(() => {
    for (const entry of expected.splice(0)) entry.fail(far.refusal as CircuitError);
  });
  return { near, far, expected };
}

function ignore(): void {}
