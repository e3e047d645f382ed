import { checkMs } from '@circuit/base';
import { knownCodec, knownCodecs } from '../codec/known-codecs.js';
import { resolveLimits } from './limits.js';
import type { SessionOptions } from './options.js';
import type { Role } from './table.js';

/** Throws what the constructor of a session with these options would: before anybody is dialled, or can come in. */
export function checkSessionOptions(options: SessionOptions | undefined, role: Role): void {
  const { limits, codecs, codec, auth } = options ?? {};
  for (const name of ['keepAliveMs', 'graceMs', 'busyPollMs'] as const) checkMs(`session.${name}`, options?.[name]);
  resolveLimits(limits);
  const known = knownCodecs(codecs);
  if (codec !== undefined) knownCodec(known, codec);
  auth?.check(role);
}
