import { CircuitError } from '@circuit/base';
import type { Receiver, Sender } from '../types.js';
import { End, type EndKind } from './end.js';
import type { RawSender } from './raw.js';

/** Takes everything and drops it. An end like others, so that it can stand in a message; whoever gets it swallows too. */
class Swallow extends End implements Sender, RawSender {
  readonly endKind: EndKind = 'sender';
  readonly closed: Promise<void> = Promise.resolve();
  readonly send = ((_value: unknown, options?: { returns?: boolean }) =>
    options?.returns === true
      ? Promise.reject(new CircuitError('closed', 'nobody listens for an answer'))
      : this.closed) as Sender['send'] & ((value: unknown) => Promise<Receiver>);

  trySend(): boolean {
    return true;
  }

  sendNow(): Promise<void> {
    return this.closed;
  }

  onWritable(run: () => void): () => void {
    run();
    return nothing;
  }

  close(): void {}
  abort(): void {}
  closeNow(): void {}
  abortNow(): void {}
  move(): void {}
}

/** The return channel of a message whose sender asked for none. */
export const swallow: Swallow = new Swallow();

function nothing(): void {}
