import { CircuitError } from './error.js';

/** Throws `invalid` for a time that is given and is no number of milliseconds from 0 (`Infinity` is one). */
export function checkMs(name: string, ms: number | undefined): void {
  if (ms === undefined || ms >= 0) return;
  throw new CircuitError('invalid', `${name}: ${ms}, want milliseconds from 0`);
}

/** Throws `invalid` for what is given as a signal and is none. */
export function checkSignal(what: string, signal: unknown): void {
  if (signal === undefined) return;
  const { addEventListener, aborted } = Object(signal) as Partial<AbortSignal>;
  if (typeof addEventListener === 'function' && typeof aborted === 'boolean') return;
  throw new CircuitError('invalid', `${what}: signal of type ${typeof signal}, want an AbortSignal`);
}

/** Throws `invalid` for a callback that is none. */
export function checkFunction(name: string, run: unknown): void {
  if (typeof run === 'function') return;
  throw new CircuitError('invalid', `${name} of type ${typeof run}, want a function`);
}
