import type { Session } from '@circuit/channel';
import type { Pair } from '@circuit/channel/conformance';

/** Both sessions, and how they are closed where nothing else was opened for them. */
export function closingPair(a: Session, b: Session): Pair {
  return {
    a,
    b,
    async close() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}
