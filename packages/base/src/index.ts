export { checkFunction, checkMs, checkSignal } from './checks.js';
export { type Clock, longestMs, systemClock, type Timer } from './clock.js';
export { type Deferred, deferred } from './deferred.js';
export {
  CircuitError,
  type ErrorCode,
  type ErrorOptions,
  type ErrorRecord,
  errorCodes,
  errorRecord,
  isCircuitError,
  isErrorCode,
  toCircuitError,
} from './error.js';
export { type LogFields, type Logger, silentLogger } from './logger.js';
export { type Random, randomInt, seededRandom, systemRandom } from './random.js';
export { type Release, Scope } from './scope.js';
export {
  abortError,
  deadline,
  type LinkedSignal,
  linkSignals,
  onAbort,
  orAborted,
  pause,
  throwIfAborted,
  type WaitOptions,
} from './signals.js';
