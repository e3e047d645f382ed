import { CircuitError, type WaitOptions } from '@circuit/base';
import type { End } from '../local/end.js';
import type { RawReader, RawReceiver, RawSender, RawWriter } from '../local/raw.js';
import type { Entry } from '../session/entry.js';
import type { InHalf } from '../session/in-half.js';
import type { OutHalf } from '../session/out-half.js';
import type { ReceiveOptions, ReceiveResult, SendOptions } from '../types.js';
import type { Home } from './home-of.js';

/**
 * An end of this process that went away in a message. Its pump takes it for the end itself; who brings it home makes the pump
 * stop, or go on without closing what stays here.
 */
export abstract class Away {
  readonly #end: End;
  #home: Home | undefined;
  /** The peer has said of one of its ids that it is this end. */
  named = false;

  constructor(end: End) {
    this.#end = end;
  }

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

  protected regain(): End {
    if (this.#end.regain === undefined) throw new CircuitError('internal', 'an end that cannot come home');
    return this.#end.regain();
  }
}

/** A receiver or reader, from which a pump takes. */
export class AwaySource extends Away implements RawReceiver, RawReader {
  readonly #source: RawReceiver & RawReader;
  readonly #half: OutHalf;
  readonly #homeOf: (entry: Entry, away: AwaySource) => Home | undefined;
  /** Answers whether all that had left is here again: from then on the far side is nobody's concern. */
  #back: (() => boolean) | undefined;

  /** `half` stands for it in the session. */
  constructor(end: End, half: OutHalf, homeOf: (entry: Entry, away: AwaySource) => Home | undefined) {
    super(end);
    this.#half = half;
    this.#homeOf = homeOf;
    this.#source = end as unknown as RawReceiver & RawReader;
  }

  get open(): boolean {
    return this.#half.sendRefusal === undefined;
  }

  /** Whether the pump has come to a clean end. */
  get ended(): boolean {
    const { state, failure } = this.#half;
    return state !== 'open' && failure === undefined;
  }

  /** The pump takes nothing more: answers with a fresh handle for who goes on when `back`. */
  stop(back: () => boolean): End {
    this.#back = back;
    return this.regain();
  }

  receiveNow(options: ReceiveOptions): Promise<ReceiveResult> {
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

/** A sender or writer, into which a pump puts. */
export class AwaySink extends Away implements RawSender, RawWriter {
  readonly #sink: RawSender & RawWriter;
  readonly #half: InHalf;
  readonly #homeOf: (entry: Entry, away: AwaySink) => Home | undefined;
  #arrived: (() => void) | undefined;

  /** `half` stands for it in the session. */
  constructor(end: End, half: InHalf, homeOf: (entry: Entry, away: AwaySink) => Home | undefined) {
    super(end);
    this.#half = half;
    this.#homeOf = homeOf;
    this.#sink = end as unknown as RawSender & RawWriter;
  }

  get open(): boolean {
    return this.#half.state === 'open' && this.#half.link.refusal === undefined;
  }

  get closed(): Promise<void> {
    return this.#sink.closed;
  }

  /** `arrived` runs in place of the close, when everything from afar is in: answers with a fresh handle for who goes on then. */
  await(arrived: () => void): End {
    this.#arrived = arrived;
    return this.regain();
  }

  sendNow(value: unknown, options: SendOptions): Promise<unknown> {
    return this.#sink.sendNow(value, options);
  }

  writeNow(chunk: Uint8Array, options?: WaitOptions): Promise<void> {
    return this.#sink.writeNow(chunk, options);
  }

  closeNow(): void {
    if (this.#arrived === undefined) this.#sink.closeNow();
    else this.#arrived();
  }

  abortNow(reason: CircuitError): void {
    this.#sink.abortNow(reason);
  }

  protected make(entry: Entry): Home | undefined {
    return this.#homeOf(entry, this);
  }
}
