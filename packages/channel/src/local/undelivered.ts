import { CircuitError } from '@circuit/base';

/** What the ends of a message hear that nobody will ever hold them by. */
export function undelivered(reason: CircuitError | undefined): CircuitError {
  const why = `the message that carried this end was not delivered: ${reason?.message}`;
  return new CircuitError('undelivered', why, { cause: reason });
}
