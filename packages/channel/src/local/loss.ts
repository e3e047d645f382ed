import { CircuitError } from '@circuit/base';

/** `detail` of the reason that a relay cancels with when it has lost its way onward. */
const wayLost = 'way-lost';

/**
 * What a relay that lost its way onward cancels with: the far side may have taken what the relay was given, and whoever hears of a loss
 * leaves that in doubt. Any other reason of a cancel is a receiver's, who has taken nothing more.
 */
export function loss(reason: CircuitError): CircuitError {
  const { code, message, detail } = reason;
  if (code === 'peer-gone' || code === 'closed' || detail === wayLost) return reason;
  return new CircuitError(code, message, { cause: reason, detail: wayLost });
}
