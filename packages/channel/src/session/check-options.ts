import { CircuitError } from '@circuit/base';
import { knownCodecs } from '../codec/known-codecs.js';
import { resolveLimits } from './limits.js';
import type { SessionOptions } from './options.js';
import type { Role } from './table.js';

/** Throws what the constructor of a session with these options would: before anybody is dialled, or can come in. */
export function checkSessionOptions(options: SessionOptions | undefined, role: Role): void {
  const { limits, codecs, codec, auth } = options ?? {};
  resolveLimits(limits);
  const known = knownCodecs(codecs);
  if (codec !== undefined && !known.has(codec)) {
    throw new CircuitError('unsupported', `session.codec ${codec}: unknown, known are ${[...known.keys()].join(', ')}`);
  }
  auth?.check(role);
}
