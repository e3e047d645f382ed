import { type CircuitError, isCircuitError } from '@circuit/base';
import type { DialFailure, DialTarget } from './events.js';
import { needless } from './handshake.js';

/** What a dial proves that gave no session. Carriers put the errno into `detail`, and `handshake` where a connection stood: a stopped process leaves that to its kernel. */
export function failureOfDial(error: CircuitError): DialFailure {
  if (error.detail === 'ECONNREFUSED' || error.detail === 'ENOENT') return 'refused';
  if (error.detail === 'ECONNRESET') return 'busy';
  const hopeless = isCircuitError(error, 'denied') || isCircuitError(error, 'invalid');
  return hopeless || isCircuitError(error, 'unsupported') ? 'denied' : 'silent';
}

/** What it proves that a session stood and no link came of it. */
export function failureOfGreeting(error: CircuitError, target: DialTarget): DialFailure {
  switch (error.detail) {
    case needless.known:
      return 'known';
    case needless.crossed:
      return 'busy';
    case needless.self:
      return target.type === 'seed' ? 'known' : 'refused';
    case needless.other:
      return 'refused';
    default:
      if (error.code === 'timeout') return 'silent';
      return error.code === 'denied' || error.code === 'protocol' || error.code === 'unsupported' ? 'denied' : 'busy';
  }
}
