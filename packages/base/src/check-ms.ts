import { CircuitError } from './error.js';

/** Throws `invalid` for a time that is given and is no number of milliseconds from 0 (`Infinity` is one). */
export function checkMs(name: string, ms: number | undefined): void {
  if (ms === undefined || ms >= 0) return;
  throw new CircuitError('invalid', `${name}: ${ms}, want milliseconds from 0`);
}
