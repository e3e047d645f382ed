import { seededRandom } from '@circuit/base';
import type { Carrier, Session } from '@circuit/channel';
import { dialSession, type ResumeOptions, SessionDoor } from '@circuit/channel/resume';
import { ManualClock } from '@circuit/testkit';
import { FreshLink } from '../../src/resume/fresh-link.js';
import type { Step } from '../../src/resume/handshake.js';
import { prove } from '../../src/resume/proof.js';
import { CutPair } from './cut-pair.js';

export const quiet = { keepAliveMs: 0 };

/** A listener in the process and every connection that was made to it. */
export class Site {
  readonly clock = new ManualClock();
  readonly sessions: Session[] = [];
  readonly states: string[] = [];
  readonly pairs: CutPair[] = [];
  readonly door: SessionDoor;
  /** Whether dialling works. */
  reachable = true;
  peer: Partial<Carrier['peer']> = {};

  constructor(resume: ResumeOptions | false = {}) {
    const offered = resume && { onState: (state: string): void => void this.states.push(state), ...resume };
    const session = { ...quiet, clock: this.clock };
    this.door = new SessionDoor({ session, resume: offered, onSession: (one) => this.sessions.push(one) });
  }

  readonly connect = (): Promise<Carrier> => {
    if (!this.reachable) return Promise.reject(new Error('no way there'));
    const pair = new CutPair({}, this.peer);
    this.pairs.push(pair);
    this.door.accept(pair.far);
    return Promise.resolve(pair.near);
  };

  dial(resume: ResumeOptions | boolean = true): Promise<Session> {
    const random = seededRandom(1);
    const wanted = resume === false ? false : { random, ...(resume === true ? {} : resume) };
    return dialSession(this.connect, { session: { ...quiet, clock: this.clock }, resume: wanted });
  }

  /** A connection that the test itself speaks on. */
  async raw(): Promise<FreshLink> {
    return new FreshLink(await this.connect(), this.clock, 60_000, undefined);
  }

  get latest(): CutPair {
    return this.pairs.at(-1) as CutPair;
  }
}

/** A dialler made of bytes: what it learnt of its session. */
export async function rawDialler(site: Site): Promise<{ link: FreshLink; id: Uint8Array; token: Uint8Array }> {
  const link = await site.raw();
  link.say({ step: 'new', timeMs: 30_000, bufferBytes: 1_048_576 });
  const started = await link.step(true);
  if (started.step !== 'started') throw new Error(started.step);
  return { link, id: started.id, token: started.token };
}

/** Goes through AGAIN and CHALLENGE and answers with what `answer` makes of the listener's nonce. */
export async function challenge(
  site: Site,
  id: Uint8Array,
  answer: (listenerNonce: Uint8Array, diallerNonce: Uint8Array) => Promise<Step>,
): Promise<{ link: FreshLink; outcome: Step }> {
  const link = await site.raw();
  const nonce = new Uint8Array(32).fill(9);
  link.say({ step: 'again', id, nonce });
  const asked = await link.step(false);
  if (asked.step !== 'challenge') return { link, outcome: asked };
  link.say(await answer(asked.nonce, nonce));
  return { link, outcome: await link.step(true) };
}

export function prover(id: Uint8Array, token: Uint8Array, received = 0) {
  return async (listenerNonce: Uint8Array, diallerNonce: Uint8Array): Promise<Step> => ({
    step: 'proof',
    received,
    proof: await prove(token, 'dialler', { id, listenerNonce, diallerNonce, received }),
  });
}
