import { CircuitError, toCircuitError } from '@circuit/base';
import type { ByteReader, ByteWriter, Receiver, Sender, SendOptions } from '../types.js';
import { End } from './end.js';
import { isA } from './is-a.js';
import { swallow } from './swallow.js';
import { undelivered } from './undelivered.js';

/**
 * A message that was taken from one channel and could not be given to the next: its return channel and the ends in its
 * value hear `undelivered`, since nobody will ever hold them. Ends that were moved meanwhile are left alone.
 */
export function abandonMessage({ value, ret }: { value: unknown; ret: Sender }, reason: unknown): void {
  const error = undelivered(toCircuitError(reason));
  const seen = new Set<object>();
  const abandon = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || seen.has(part) || ArrayBuffer.isView(part)) return;
    seen.add(part);
    if (!(part instanceof End)) {
      (isA(part, Map) || isA(part, Set) ? [...part] : Object.values(part)).forEach(abandon);
    } else if ('abort' in part) (part as unknown as Sender | ByteWriter).abort(error);
    else (part as unknown as Receiver | ByteReader).cancel(error);
  };
  ret.abort(error);
  try {
    abandon(value);
  } catch {
    // What throws when it is looked at, or is nested without end, was not sent either.
  }
}

/** A send that fails with `reason`: what was to go with it is spent, whichever way it fails. */
export function failSend(reason: unknown, value: unknown, { returnTo }: SendOptions): Promise<never> {
  abandonMessage({ value, ret: returnTo ?? swallow }, reason);
  return Promise.reject(reason);
}

/** The answers to a message that was on its way when its send failed: nobody will hold their receiver. */
export function abandonAnswers(answers: Receiver | undefined, cause: unknown): void {
  answers?.cancel(new CircuitError('cancelled', 'nobody waits for an answer', { cause }));
}
