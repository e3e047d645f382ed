import { CircuitError, toCircuitError } from '@circuit/base';

/** The circuit error for what a caller gave as the reason of an abort or cancel. */
export function reasonError(reason: unknown, fallback: string): CircuitError {
  return reason === undefined ? new CircuitError('aborted', fallback) : toCircuitError(reason, 'aborted');
}
