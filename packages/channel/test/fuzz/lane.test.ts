import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isCircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, takeDescriptor } from '@circuit/channel/descriptors';
import { dialUnix, type Listener, listenUnix } from '@circuit/channel/unix';
import { ManualClock, settle, until } from '@circuit/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeLane, laneBytes, newToken, tokenBytes } from '../../src/descriptors/lane-frame.js';
import { laneType } from '../../src/wire/frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import { RawLane, RawSession } from '../descriptors/raw-lane.js';
import { RawListener } from '../descriptors/raw-listener.js';
import { canPass, fdsBackTo, openFds } from '../descriptors/unix-pair.js';
import { fuzzFor } from '../support/fuzz-for.js';
import { concat, hello } from '../support/raw-peer.js';

/** The two tests of this file share half of what the other fuzz has, as the sessions that resume have the other half. */
const fuzzMs = Number(process.env.CIRCUIT_FUZZ_MS ?? 3000) / 4;

/** How bytes that are nearly right differ from those that are. */
interface Change {
  readonly flip: readonly [at: number, to: number] | undefined;
  readonly length: number | undefined;
  readonly tail: Uint8Array;
}

/** How bytes are sent. */
interface Way {
  readonly cuts: readonly number[];
  /** With a descriptor beside each piece. */
  readonly carries: boolean;
  /** The other side has time to read a piece before the next comes. */
  readonly pauses: boolean;
}

interface Answer extends Way {
  readonly change: Change;
}

interface Stranger extends Answer {
  readonly says: 'lane of the session' | 'lane of another' | 'lane of its own' | 'hello' | 'other';
  /** Hangs up at once. */
  readonly leaves: boolean;
}

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const someBytes = fc.uint8Array({ maxLength: 40 });
const anyChange: fc.Arbitrary<Change> = fc.record({
  flip: rarely(fc.tuple(fc.nat(laneBytes - 1), fc.nat(255))),
  length: rarely(fc.nat(laneBytes)),
  tail: fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array(0)) }, { weight: 1, arbitrary: someBytes }),
});
const anyWay = {
  cuts: fc.array(fc.nat(laneBytes), { maxLength: 4 }),
  carries: fc.boolean(),
  pauses: fc.boolean(),
};
const anyStranger: fc.Arbitrary<Stranger> = fc.record({
  says: fc.constantFrom('lane of the session', 'lane of another', 'lane of its own', 'hello', 'other'),
  change: anyChange,
  leaves: rarely(fc.constant(true)).map((leaves) => leaves === true),
  ...anyWay,
});

function changed(bytes: Uint8Array, { flip, length, tail }: Change): Uint8Array {
  const cut = bytes.slice(0, length);
  if (flip !== undefined && flip[0] < cut.length) cut[flip[0]] = flip[1];
  return concat([cut, tail]);
}

function piecesOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((x, y) => x - y), bytes.length];
  return places.slice(1).flatMap((end, i) => ((places[i] as number) < end ? [bytes.slice(places[i], end)] : []));
}

/** A descriptor of `peer` still comes to `session` over `lane`, or fails for a reason. */
async function pass(peer: RawSession, session: Session, lane: RawLane, fd: number): Promise<unknown> {
  const channel = peer.open();
  const { receiver } = await session.accept();
  const [id] = peer.announce(channel) as [number];
  const [descriptor] = (await take(receiver)).value as [Descriptor];
  lane.pass(id, fd);
  peer.close(id);
  return takeDescriptor(descriptor).then(closeSync, (error: unknown) => error);
}

let file: number;
let clock: ManualClock;
let before: number;

beforeAll(() => {
  file = openSync('/dev/null', 'r');
});

afterAll(() => closeSync(file));

describe.skipIf(!canPass())('the first bytes of a lane', () => {
  test(
    'that strangers say to a listener reach no lane but by its token, harm no session and leave nothing open',
    async () => {
      clock = new ManualClock();
      const folder = mkdtempSync(join(tmpdir(), 'lane-'));
      const path = join(folder, 's');
      const sessions: Session[] = [];
      const listener: Listener = await listenUnix(
        { path, session: { clock, keepAliveMs: 0, graceMs: 1 } },
        (session) => {
          sessions.push(session);
        },
      );
      let strangers = 0;

      async function trial(all: readonly Stranger[]): Promise<void> {
        before = openFds();
        const peer = await RawSession.dial(path);
        const session = sessions.pop() as Session;
        const lanes = all.map(() => RawLane.connect(path));
        const texts = all.map(({ says, change }) => changed(textOf(says, peer), change));
        try {
          const [longest] = texts.map((bytes) => bytes.length).sort((x, y) => y - x) as [number];
          const pieces = texts.map((bytes, i) => piecesOf(bytes, (all[i] as Stranger).cuts));
          for (let turn = 0; turn <= longest; turn++) {
            for (const [i, { carries, pauses, leaves }] of all.entries()) {
              const lane = lanes[i] as RawLane;
              const piece = pieces[i]?.[turn];
              if (piece !== undefined) lane.send(piece, carries ? file : -1);
              else if (leaves) lane.close();
              if (piece !== undefined && pauses) await turns(3);
            }
          }
          await answered(peer, session, lanes, texts, all);
          await peer.ping();
        } finally {
          for (const lane of lanes) lane.close();
          peer.socket.destroy();
          for (const one of [session, ...sessions.splice(0)]) one.abort();
        }
        await fdsBackTo(before);
        strangers += all.length;
      }

      try {
        await fuzzFor(fuzzMs, fc.asyncProperty(fc.array(anyStranger, { minLength: 1, maxLength: 6 }), trial));
        console.log(`fuzz: ${strangers} strangers at the door of a lane`);
      } finally {
        await listener.close();
        rmSync(folder, { recursive: true });
      }
    },
    fuzzMs + 60_000,
  );

  test(
    'that a listener answers open it only if they are the token, and the session goes on',
    async () => {
      clock = new ManualClock();
      const listener = new RawListener();
      await listener.listen();
      let answers = 0;

      async function trial({ change, cuts, carries, pauses }: Answer): Promise<void> {
        before = openFds();
        const session = await dialUnix({ path: listener.path, session: { clock, keepAliveMs: 0, graceMs: 1 } });
        const peer = await listener.session();
        await peer.heard(frameType.hello, 0);
        const channel = peer.open();
        const { receiver } = await session.accept();
        const [id] = peer.announce(channel) as [number];
        const [descriptor] = (await take(receiver)).value as [Descriptor];
        const lane = await listener.lane();
        try {
          expect(await lane.read(laneBytes)).toStrictEqual(new Uint8Array(encodeLane(peer.token)));
          const answer = changed(peer.peerToken, change);
          const pieces = piecesOf(answer, cuts);
          for (const piece of pieces) {
            lane.send(piece, carries ? file : -1);
            if (pauses) await turns(3);
          }
          const right = Buffer.compare(answer.slice(0, tokenBytes), peer.peerToken) === 0 && !carries;
          if (right && answer.length === tokenBytes) lane.pass(id, file);
          const taken = takeDescriptor(descriptor).then(closeSync, (error: unknown) => error);
          const outcome = await outcomeOf(taken);
          if (!right) expect(outcome).toMatchObject({ code: answer.length === 0 ? 'timeout' : 'denied' });
          // What comes in pieces may have been read in pieces.
          else if (pieces.length === 1 && answer.length === tokenBytes) expect(outcome).toBe(undefined);
          else expect(outcome === undefined || isCircuitError(outcome)).toBe(true);
          await peer.ping();
        } finally {
          lane.close();
          peer.socket.destroy();
          session.abort();
        }
        await fdsBackTo(before);
        answers++;
      }

      try {
        await fuzzFor(fuzzMs, fc.asyncProperty(fc.record({ change: anyChange, ...anyWay }), trial));
        console.log(`fuzz: ${answers} answers on a lane`);
      } finally {
        listener.close();
      }
    },
    fuzzMs + 60_000,
  );
});

function textOf(says: Stranger['says'], peer: RawSession): Uint8Array {
  switch (says) {
    case 'lane of the session':
      return encodeLane(peer.peerToken);
    case 'lane of another':
      return encodeLane(newToken());
    case 'lane of its own':
      return encodeLane(peer.token);
    case 'hello':
      return hello();
    case 'other':
      return new Uint8Array(0);
  }
}

/** Each stranger hears what its bytes deserve, and a lane that nobody took is there for who has its token. */
async function answered(
  peer: RawSession,
  session: Session,
  lanes: readonly RawLane[],
  texts: readonly Uint8Array[],
  all: readonly Stranger[],
): Promise<void> {
  const right = encodeLane(peer.peerToken);
  const fits = (bytes: Uint8Array): boolean => Buffer.compare(bytes.slice(0, laneBytes), right) === 0;
  let adopted: number | undefined;
  for (const [i, bytes] of texts.entries()) {
    const lane = lanes[i] as RawLane;
    if (all[i]?.leaves === true) continue;
    const said = await heardOn(lane);
    if (bytes.length > 0 && bytes[0] !== laneType) expect(said[0]).toBe(frameType.hello);
    else if (fits(bytes) && said.length > 0) {
      expect(said).toStrictEqual(peer.token);
      expect(adopted).toBe(undefined);
      // What comes in pieces may be read as a lane and what follows on it.
      if (piecesOf(bytes, all[i]?.cuts ?? []).length === 1) expect(bytes.length).toBe(laneBytes);
      adopted = i;
    } else expect(said).toStrictEqual(new Uint8Array(0));
  }
  const mayBeTaken = texts.some((bytes, i) => fits(bytes) && (bytes.length > laneBytes || all[i]?.leaves === true));
  if (adopted === undefined && mayBeTaken) return;
  if (adopted === undefined) expect(texts.some(fits)).toBe(false);
  const lane = adopted === undefined ? await peer.lane((session.peer as { address: string }).address) : lanes[adopted];
  const clean = adopted === undefined || texts[adopted]?.length === laneBytes;
  const outcome = await outcomeOf(pass(peer, session, lane as RawLane, file));
  if (adopted === undefined) (lane as RawLane).close();
  if (clean) expect(outcome).toBe(undefined);
  else expect(outcome === undefined || isCircuitError(outcome)).toBe(true);
}

/** What comes on `lane` first; nothing when it is hung up, at the latest when its time is over. */
async function heardOn(lane: RawLane): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  await inTime('an answer or the end', () => {
    bytes ??= lane.tryRead(tokenBytes);
    return bytes !== undefined;
  });
  return bytes as Uint8Array;
}

/** What `promise` comes to, as time goes by. */
async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  let over = false;
  const settled = promise.finally(() => {
    over = true;
  });
  await inTime('it to be over', () => over);
  return settled;
}

/** Waits for what is soon there, and for what comes when time is over. */
async function inTime(what: string, predicate: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50 && !predicate(); turn++) await settle();
  await until(what, async () => {
    if (!predicate()) await clock.advance(5000);
    return predicate();
  });
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await settle();
}
