import { seededRandom } from '@circuit/base';
import {
  type Carrier,
  type CarrierEvents,
  ChannelSession,
  memoryPair,
  type Role,
  type SessionOptions,
} from '@circuit/channel';
import { type AuthOptions, keyAuth } from '@circuit/channel/auth';
import { settle, until } from '@circuit/testkit';
import { concat } from '../support/raw-peer.js';
import { Exercise } from './exercise.js';

/** What a session in `role` heard in a conversation, while a program with `seed` used it. */
export interface Recording {
  readonly role: Role;
  readonly seed: number;
  /** Whether both sides prove in band that they know a key. */
  readonly proves: boolean;
  readonly bytes: Uint8Array;
}

const key = new Uint8Array(32).fill(7);

/** How such a session is made. */
export function optionsFor({ role, proves }: Pick<Recording, 'role' | 'proves'>): SessionOptions {
  const options: SessionOptions = { keepAliveMs: 0, graceMs: 1 };
  if (!proves) return options;
  const auth: AuthOptions = role === 'dialler' ? { identity: 'fuzz', key } : { keyFor: () => key };
  return { ...options, auth: keyAuth({ ...auth, allowPlaintext: true }) };
}

/** Real conversations of two sessions, both sides of each; the last of `seeds` is for two that prove who they are. */
export async function record(seeds: readonly number[]): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const [index, seed] of seeds.entries()) {
    const proves = index === seeds.length - 1;
    const sides = memoryPair();
    const heard = sides.map((carrier) => listenIn(carrier));
    const programs: Exercise[] = [];
    const sessions = (['dialler', 'listener'] as const).map((role, i) => {
      const session = new ChannelSession(sides[i] as Carrier, role, optionsFor({ role, proves }));
      programs.push(new Exercise(session, seededRandom(seed)));
      return session;
    });
    await until('the conversation to be over', async () => {
      const before = sessions.map(({ stats }) => stats.bytesIn).join();
      for (let turn = 0; turn < 20; turn++) await settle();
      return (
        sessions.every(({ stats }) => stats.bytesIn > 1000) &&
        before === sessions.map(({ stats }) => stats.bytesIn).join()
      );
    });
    for (const { surprises } of programs) if (surprises.length > 0) throw surprises[0];
    await Promise.all(sessions.map((session) => session.close()));
    for (const [i, role] of (['dialler', 'listener'] as const).entries()) {
      recordings.push({ role, seed, proves, bytes: concat(heard[i] ?? []) });
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
