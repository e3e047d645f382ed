import { seededRandom } from '@circuit/base';
import { type Carrier, type CarrierEvents, ChannelSession, memoryPair, type Role } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import { concat } from '../support/raw-peer.js';
import { Exercise } from './exercise.js';

/** What a session in `role` heard in a conversation, while a program with `seed` used it. */
export interface Recording {
  readonly role: Role;
  readonly seed: number;
  readonly bytes: Uint8Array;
}

/** Real conversations of two sessions, both sides of each. */
export async function record(seeds: readonly number[]): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const seed of seeds) {
    const sides = memoryPair();
    const heard = sides.map((carrier) => listenIn(carrier));
    const programs: Exercise[] = [];
    const sessions = (['dialler', 'listener'] as const).map((role, i) => {
      const session = new ChannelSession(sides[i] as Carrier, role, { keepAliveMs: 0, graceMs: 1 });
      programs.push(new Exercise(session, seededRandom(seed)));
      return session;
    });
    for (let turn = 0; turn < 20; turn++) await settle();
    for (const { surprises } of programs) if (surprises.length > 0) throw surprises[0];
    await Promise.all(sessions.map((session) => session.close()));
    for (const [i, role] of (['dialler', 'listener'] as const).entries()) {
      recordings.push({ role, seed, bytes: concat(heard[i] ?? []) });
    }
  }
  return recordings;
}

/** Everything that comes in through `carrier` from here on. */
function listenIn(carrier: Carrier): Uint8Array[] {
  const heard: Uint8Array[] = [];
  const start = carrier.start.bind(carrier);
  carrier.start = (events: CarrierEvents) => {
    start({
      data: (chunk) => {
        heard.push(chunk.slice());
        events.data(chunk);
      },
      drained: () => events.drained(),
      closed: (reason) => events.closed(reason),
    });
  };
  return heard;
}
