import type { CircuitError, WaitOptions } from '@circuit/base';
import type { Ended, Received, ReceiveOptions, SendOptions } from '../types.js';

/** How an end that was taken over sends. */
export interface RawSendOptions extends SendOptions {
  /**
   * Called once a message that is to be acknowledged takes no more room here: what stands behind it need not wait for its acknowledgement.
   * Not where the send is over by then.
   */
  readonly handedOn?: (() => void) | undefined;
}

/** The operations of an end for who took it over: its former holder's handle no longer works. */
export interface RawSender {
  sendNow(value: unknown, options: RawSendOptions): Promise<unknown>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  readonly closed: Promise<void>;
}

/** A message that is passed on. */
export interface Passed extends Received {
  /** Says to its sender, who asked for that, that it was taken in the end, or why not. */
  readonly settle?: (error?: CircuitError) => void;
}

/** What is taken from an end is passed on to somebody else, whose word its sender waits for. */
export interface Relayed {
  /** From now on neither an acknowledgement nor the end is said by the taking itself. */
  relay(): void;
  /** All of it, up to the end, was taken in the end. */
  relayDone(): void;
}

export interface RawReceiver extends Relayed {
  receiveNow(options: ReceiveOptions): Promise<Passed | Ended>;
  cancelNow(reason: CircuitError): void;
}

export interface RawWriter {
  writeNow(chunk: Uint8Array, options?: WaitOptions): Promise<void>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  readonly closed: Promise<void>;
}

export interface RawReader extends Partial<Relayed> {
  readNow(options: WaitOptions): Promise<Uint8Array | undefined>;
  cancelNow(reason: CircuitError): void;
}

/** What a relay hears of the end. */
export interface EndTap {
  closed(): void;
  aborted(reason: CircuitError): void;
}

/** What takes the bytes of a source, as they come. */
export interface SourceTap extends EndTap {
  /** `owned`: may be kept as it is, else it is valid during the call. */
  bytes(piece: Uint8Array, owned: boolean): void;
}

/** What a sink tells whoever feeds it. */
export interface SinkTap {
  /** It takes no more. */
  cancelled(reason: CircuitError): void;
  /** All that went in, up to the end, was taken. */
  done(): void;
}

/** A reading end whose bytes can be had without a promise for each: half of a session's stream, or of a socket. */
export interface ByteSource {
  /** Gives what is here and what comes to `tap` from now on. */
  attach(tap: SourceTap): void;
  /** So many of the bytes that the tap got are out of the way: more may come. */
  passed(bytes: number): void;
  /** The other side of the tap has taken everything up to the end. */
  relayDone(): void;
  cancelNow(reason: CircuitError): void;
}

/** A writing end of the same kind. */
export interface ByteSink {
  /** What a write fails with now, if anything. */
  readonly sendRefusal: CircuitError | undefined;
  attach(tap: SinkTap): void;
  /** Takes `piece` over; `written` runs, now or later, when there is room for more. */
  forward(piece: Uint8Array, written: () => void): void;
  /** Whether the memory of what is passed on now will probably come back soon (`buffer-pool.ts`). */
  readonly reusable?: boolean;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
}

export function isByteSource(reader: object): reader is ByteSource {
  return 'passed' in reader;
}

export function isByteSink(writer: object): writer is ByteSink {
  return 'forward' in writer;
}
