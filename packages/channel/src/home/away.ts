import { CircuitError, type Deferred, deferred, type WaitOptions } from '@circuit/base';
import type { End } from '../local/end.js';
import type { Passed, RawReader, RawReceiver, RawSender, RawWriter } from '../local/raw.js';
import type { Entry } from '../session/entry.js';
import type { InBytes } from '../session/in-bytes.js';
import type { InMessage } from '../session/in-message.js';
import type { OutHalf } from '../session/out-half.js';
import type { Ended, ReceiveOptions, SendOptions } from '../types.js';
import type { Home } from './home-of.js';
import { whenOver } from './when-over.js';

/** An end of this process that is away: sent in a message, or the far end of a channel that was born in the session. */
export abstract class Away {
  #home: Home | undefined;
  /** The peer has said of one of its ids that it is this end. */
  named = false;

  /** Whether it is still under way, with nothing said of its end. */
  abstract readonly open: boolean;

  /** The end that the peer's `entry` brings home, to be begun; `undefined` where it is an end like others. */
  bring(entry: Entry): Home | undefined {
    this.#home = this.make(entry);
    return this.#home;
  }

  /** The message that brought it is whole. */
  begin(): void {
    this.#home?.begin();
    this.#home = undefined;
  }

  /** {@link bring} and {@link begin} at once. */
  bringNow(entry: Entry): Home | undefined {
    const home = this.bring(entry);
    this.begin();
    return home;
  }

  protected abstract make(entry: Entry): Home | undefined;
}

/** A receiver or reader that is away, for who brings it home. */
export interface SourceAway {
  readonly open: boolean;
  /** Why not everything went there up to a clean end, said to the other side; `undefined` if it did. */
  readonly short: CircuitError | undefined;
  /** Nothing more goes there: answers with the end that serves when all that had gone is here again, as `back` says. */
  stop(back: () => boolean): End;
}

/** A sender or writer that is away, for who brings it home. */
export interface SinkAway {
  readonly open: boolean;
  /** `arrived` runs when everything from afar is in: answers with the end to be used from then on. */
  await(arrived: () => void): End;
}

/**
 * A receiver or reader that went away in a message, from which a pump takes. The pump takes it for the end itself; who brings it home makes
 * the pump stop.
 */
export class AwaySource extends Away implements RawReceiver, RawReader, SourceAway {
  readonly #end: End;
  readonly #source: RawReceiver & RawReader;
  readonly #half: OutHalf;
  readonly #homeOf: (entry: Entry, away: SourceAway) => Home | undefined;
  /** Answers whether all that had left is here again: from then on the far side is nobody's concern. */
  #back: (() => boolean) | undefined;

  /** `half` stands for it in the session. */
  constructor(end: End, half: OutHalf, homeOf: (entry: Entry, away: SourceAway) => Home | undefined) {
    super();
    this.#end = end;
    this.#half = half;
    this.#homeOf = homeOf;
    this.#source = end as unknown as RawReceiver & RawReader;
  }

  get open(): boolean {
    return this.#half.sendRefusal === undefined;
  }

  get short(): CircuitError | undefined {
    return shortOf(this.#half);
  }

  stop(back: () => boolean): End {
    this.#back = back;
    return regain(this.#end);
  }

  relay(): void {
    this.#source.relay();
  }

  relayDone(): void {
    if (this.#back === undefined) this.#source.relayDone();
  }

  receiveNow(options: ReceiveOptions): Promise<Passed | Ended> {
    return this.#back === undefined ? this.#source.receiveNow(options) : Promise.resolve({ done: true });
  }

  readNow(options: WaitOptions): Promise<Uint8Array | undefined> {
    return this.#back === undefined ? this.#source.readNow(options) : Promise.resolve(undefined);
  }

  cancelNow(reason: CircuitError): void {
    if (this.#back?.() !== true) this.#source.cancelNow(reason);
  }

  protected make(entry: Entry): Home | undefined {
    return this.#homeOf(entry, this);
  }
}

/** A sender or writer that went away in a message, into which a pump puts; brought home it is not closed with the pump. */
export class AwaySink extends Away implements RawSender, RawWriter, SinkAway {
  readonly #end: End;
  readonly #sink: RawSender & RawWriter;
  readonly #half: InMessage | InBytes;
  readonly #homeOf: (entry: Entry, away: SinkAway) => Home | undefined;
  #arrived: (() => void) | undefined;
  readonly #over: Deferred = deferred();
  readonly #unwatch: () => void;

  /** `half` stands for it in the session. */
  constructor(end: End, half: InMessage | InBytes, homeOf: (entry: Entry, away: SinkAway) => Home | undefined) {
    super();
    this.#end = end;
    this.#half = half;
    this.#homeOf = homeOf;
    this.#sink = end as unknown as RawSender & RawWriter;
    this.#unwatch = whenOver(this.#sink.closed, (failure) => {
      if (failure === undefined) this.#over.resolve();
      else this.#over.reject(failure);
    });
  }

  get open(): boolean {
    return this.#half.state === 'open' && this.#half.link.refusal === undefined;
  }

  /** Of its own: what the pump leaves on it does not stay with an end that has come home. */
  get closed(): Promise<void> {
    return this.#over.promise;
  }

  await(arrived: () => void): End {
    this.#arrived = arrived;
    return regain(this.#end);
  }

  sendNow(value: unknown, options: SendOptions): Promise<unknown> {
    return this.#sink.sendNow(value, options);
  }

  writeNow(chunk: Uint8Array, options?: WaitOptions): Promise<void> {
    return this.#sink.writeNow(chunk, options);
  }

  closeNow(): void {
    if (this.#arrived === undefined) {
      this.#sink.closeNow();
      return;
    }
    this.#unwatch();
    this.#over.resolve();
    this.#arrived();
  }

  abortNow(reason: CircuitError): void {
    this.#sink.abortNow(reason);
  }

  protected make(entry: Entry): Home | undefined {
    return this.#homeOf(entry, this);
  }
}

/** {@link SourceAway.short} of the half that went. */
export function shortOf({ state, failure }: OutHalf): CircuitError | undefined {
  if (failure !== undefined || state === 'ended') return failure;
  return new CircuitError('protocol', 'the other side ended a channel that came home in front of its rest');
}

function regain(end: End): End {
  if (end.regain === undefined) throw new CircuitError('internal', 'an end that cannot come home');
  return end.regain();
}
