import { CircuitError } from '@circuit/base';
import type { Receiver, Sender } from '../types.js';

/** The return channel of a message whose sender asked for none: takes everything and drops it. */
export const swallow: Sender = {
  send: ((_value: unknown, options?: { returns?: boolean }) =>
    options?.returns === true
      ? Promise.reject(new CircuitError('closed', 'nobody listens for an answer'))
      : Promise.resolve()) as Sender['send'] & ((value: unknown) => Promise<Receiver>),
  trySend: () => true,
  close: nothing,
  abort: nothing,
  closed: Promise.resolve(),
  onWritable(run) {
    run();
    return nothing;
  },
};

function nothing(): void {}
