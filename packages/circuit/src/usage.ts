import { CircuitError } from '@circuit/base';

/** An error of the one who typed: exit code 2. */
export function usageError(message: string): CircuitError {
  return new CircuitError('invalid', message, { detail: 'usage' });
}
