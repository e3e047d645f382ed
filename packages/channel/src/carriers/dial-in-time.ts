import { type ConnectCarrier, type DialSessionOptions, dialSession } from '../resume/dial-session.js';
import type { Session } from '../types.js';
import { withinDeadline } from './dial-deadline.js';

interface DialInTimeOptions extends DialSessionOptions {
  readonly deadlineMs?: number | undefined;
}

/** {@link dialSession} within the deadline of `options`; `what` names the dial in errors. */
export function dialInTime(connect: ConnectCarrier, options: DialInTimeOptions, what: string): Promise<Session> {
  const { session, resume } = options;
  return withinDeadline(options, what, (signal) => dialSession(connect, { session, resume, signal }));
}
