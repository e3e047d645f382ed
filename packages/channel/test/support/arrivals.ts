import type { Scope } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { until } from '@circuit/testkit';
import { beforeEach } from 'vitest';

/** Who came to a listener or mount that is given `take` and, where it tells, `onRefused`. */
export class Arrivals {
  readonly sessions: Session[] = [];
  /** Why others were not let in. */
  readonly refused: string[] = [];
  readonly take = (session: Session): void => void this.sessions.push(session);
  readonly onRefused = (_address: string, reason: string): void => void this.refused.push(reason);

  /** The session number `count`. */
  async get(count = 1): Promise<Session> {
    await until(`session ${count}`, () => this.sessions.length >= count);
    return this.sessions[count - 1] as Session;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) await session.close();
  }
}

/** Nobody at the beginning of each test; who came is closed with the scope of the test. */
export function arrivalsPerTest(scope: Pick<Scope, 'use'>): Arrivals {
  const arrivals = new Arrivals();
  beforeEach(() => {
    arrivals.sessions.length = 0;
    arrivals.refused.length = 0;
    scope.use(arrivals);
  });
  return arrivals;
}
