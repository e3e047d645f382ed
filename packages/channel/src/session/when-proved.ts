import type { Session } from '../types.js';
import type { SessionOptions } from './options.js';

interface Waiting {
  readonly session?: SessionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A session that was dialled, once its peer has proved the key, if it is to prove one. Given up or refused it is ended. */
export async function whenProved<S extends Session>(session: S, { session: options, signal }: Waiting): Promise<S> {
  return options?.auth === undefined ? session : options.auth.proved(session, signal);
}

/** `onSession` for a listener: called for those alone that have proved their key, if they are to prove one. */
export function onceProved(
  options: SessionOptions | undefined,
  onSession: (session: Session) => void,
): (session: Session) => void {
  if (options?.auth === undefined) return onSession;
  return (session) => {
    // Who has not proved it is refused by the session itself.
    session.ready.then(() => onSession(session), ignore);
  };
}

function ignore(): void {}
