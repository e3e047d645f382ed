import type { CircuitError, WaitOptions } from '@circuit/base';
import type { ReceiveOptions, ReceiveResult, SendOptions } from '../types.js';

/** The operations of an end for who took it over: its former holder's handle no longer works. */
export interface RawSender {
  sendNow(value: unknown, options: SendOptions): Promise<unknown>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  readonly closed: Promise<void>;
}

export interface RawReceiver {
  receiveNow(options: ReceiveOptions): Promise<ReceiveResult>;
  cancelNow(reason: CircuitError): void;
}

export interface RawWriter {
  writeNow(chunk: Uint8Array, options?: WaitOptions): Promise<void>;
  closeNow(): void;
  abortNow(reason: CircuitError): void;
  readonly closed: Promise<void>;
}

export interface RawReader {
  readNow(options: WaitOptions): Promise<Uint8Array | undefined>;
  cancelNow(reason: CircuitError): void;
}
