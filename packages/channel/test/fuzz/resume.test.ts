import { isCircuitError, type Random, randomInt, seededRandom } from '@circuit/base';
import { type Carrier, memoryPair, type Session } from '@circuit/channel';
import { ask, serve } from '@circuit/channel/conformance';
import { dialSession, SessionDoor } from '@circuit/channel/resume';
import { ManualClock, settle, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { encodeStep, type Step } from '../../src/resume/handshake.js';
import { concat, hello } from '../support/raw-peer.js';
import { Exercise } from './exercise.js';
import { Meddler } from './meddled.js';

/** Half of what the other fuzz has: the two share the time of a run. */
const fuzzMs = Number(process.env.CIRCUIT_FUZZ_MS ?? 3000) / 2;
const firstSeed = Number(process.env.CIRCUIT_FUZZ_SEED ?? Date.now() % 2 ** 31);
const sixteen = new Uint8Array(16).fill(1);
const secret = new Uint8Array(32).fill(2);

/** How a connection to a listener that resumes may begin. */
const beginnings: readonly Uint8Array[] = [
  hello(),
  ...(
    [
      { step: 'new', timeMs: 30_000, bufferBytes: 1_048_576 },
      { step: 'again', id: sixteen, nonce: secret },
      { step: 'proof', received: 5, proof: secret },
      { step: 'started', id: sixteen, token: secret, timeMs: 30_000, bufferBytes: 1_048_576 },
      { step: 'refused', code: 'gone', message: 'no' },
    ] satisfies Step[]
  ).map(encodeStep),
];

/** Two programs that talk over connections that break and carry other bytes than were sent; what was wrong, if anything. */
class Trial {
  readonly clock = new ManualClock();
  readonly thrown: unknown[] = [];
  readonly programs: Exercise[] = [];
  readonly sessions: Session[] = [];
  readonly #random: Random;
  readonly #meddler: Meddler;
  readonly #door: SessionDoor;
  #latest: readonly Carrier[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.#meddler = new Meddler(random, 1 + randomInt(random, 5));
    const session = { keepAliveMs: 0, graceMs: 1, clock: this.clock };
    this.#door = new SessionDoor({ session, resume: { timeMs: 5000 }, onSession: (one) => this.#use(one) });
  }

  async run(): Promise<string | undefined> {
    const session = { keepAliveMs: 0, graceMs: 1, clock: this.clock };
    const resume = { random: this.#random, timeMs: 5000 };
    const dialling = dialSession(this.#connect, { session, resume }).then(
      (one) => this.#use(one),
      (error: unknown) => {
        if (!isCircuitError(error)) this.thrown.push(error);
      },
    );
    for (let turns = 4 + randomInt(this.#random, 12); turns > 0; turns--) {
      await settle();
      if (randomInt(this.#random, 3) === 0) for (const carrier of this.#latest) carrier.destroy();
      if (randomInt(this.#random, 4) === 0) this.#beginRaw();
      await this.clock.advance(100);
    }
    for (const one of this.sessions) one.abort();
    this.#door.close();
    await this.clock.advance(60_000);
    await dialling;
    for (const one of this.sessions) one.abort();
    // Proofs are computed in threads of the system, which no turn of the loop waits for.
    for (let turn = 0; turn < 500 && !this.#over; turn++) await settle();
    await until('everything to be over', () => this.#over).catch(() => undefined);
    const { resumable, away, handshakes } = this.#door.counts;
    if (resumable + away + handshakes > 0) return `left ${resumable} sessions, ${away} away, ${handshakes} handshakes`;
    for (const { pending, surprises } of this.programs) {
      this.thrown.push(...surprises);
      if (pending.size > 0) return `left hanging: ${[...pending].join(', ')}`;
    }
    const [first] = this.thrown;
    return first === undefined ? undefined : `threw ${first instanceof Error ? first.stack : JSON.stringify(first)}`;
  }

  get #over(): boolean {
    const { resumable, away, handshakes } = this.#door.counts;
    return resumable + away + handshakes === 0 && this.programs.every(({ pending }) => pending.size === 0);
  }

  #use(session: Session): void {
    this.sessions.push(session);
    this.programs.push(new Exercise(session, this.#random));
  }

  readonly #connect = (): Promise<Carrier> => {
    const [near, far] = memoryPair();
    this.#latest = [near, far];
    const thrown = (error: unknown): void => void this.thrown.push(error);
    this.#door.accept(this.#meddler.between(far, thrown));
    return Promise.resolve(this.#meddler.between(near, thrown));
  };

  /** Somebody else begins a connection, with bytes that are nearly right. */
  #beginRaw(): void {
    const [near, far] = memoryPair();
    const thrown = (error: unknown): void => void this.thrown.push(error);
    this.#door.accept(new Meddler(this.#random, 3).between(far, thrown));
    near.start({ data: nothing, drained: nothing, closed: nothing });
    const parts = [0, 1].map(() => beginnings[randomInt(this.#random, beginnings.length)] as Uint8Array);
    const bytes = concat(parts).slice(0, 1 + randomInt(this.#random, 200));
    near.write([bytes], bytes.length);
    if (randomInt(this.#random, 2) === 0) near.end();
  }
}

test(
  'changed bytes before and between the segments end sessions with an error, and leave nothing',
  async () => {
    const witnesses: Session[] = [];
    const door = new SessionDoor({ resume: true, onSession: (one) => witnesses.push(one) });
    const witness = await dialSession(
      () => {
        const [near, far] = memoryPair();
        door.accept(far);
        return Promise.resolve(near);
      },
      { resume: true },
    );
    const sender = witness.open<number>();
    const { receiver } = await (witnesses[0] as Session).accept();
    const serving = serve(receiver, (value) => value);
    const end = performance.now() + fuzzMs;
    let trials = 0;
    for (; performance.now() < end; trials++) {
      const fault = await new Trial(seededRandom(firstSeed + trials)).run();
      if (fault !== undefined) throw new Error(`${fault}\nthe same again: CIRCUIT_FUZZ_SEED=${firstSeed + trials}`);
      if (trials % 100 === 0) expect(await ask(sender, trials)).toBe(trials);
    }
    console.log(`fuzz: ${trials} resuming conversations from seed ${firstSeed}`);
    sender.close();
    await serving;
    await witness.close();
    door.close();
  },
  fuzzMs + 60_000,
);

function nothing(): void {}
