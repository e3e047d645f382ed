import type { WaitOptions } from '@circuit/base';
import { type ConnectCarrier, dialSession } from '../resume/dial-session.js';
import type { Resume } from '../resume/options.js';
import type { SessionOptions } from '../session/options.js';
import type { Session } from '../types.js';
import { withinDeadline } from './dial-deadline.js';

interface DialInTimeOptions extends WaitOptions {
  readonly deadlineMs?: number | undefined;
  readonly session?: SessionOptions | undefined;
  readonly resume?: Resume | undefined;
}

/** {@link dialSession} within the deadline of `options`; `what` names the dial in errors. */
export function dialInTime(connect: ConnectCarrier, options: DialInTimeOptions, what: string): Promise<Session> {
  const { session, resume } = options;
  return withinDeadline(options, what, (signal) => dialSession(connect, { session, resume, signal }));
}
