import { randomInt, seededRandom } from '@circuit/base';
import { expect, test } from 'vitest';
import { ResumeStream } from '../../src/resume/resume-stream.js';
import { receivedSegment } from '../../src/resume/segments.js';
import { concat } from '../support/raw-peer.js';

const counting = Uint8Array.from({ length: 10_300 }, (_, i) => i % 251);

/** One side of the model: says bytes that count up, checks that it hears the other's in order. */
class Side {
  heard = 0;
  ends = 0;
  said = 0;
  readonly stream: ResumeStream;
  /** What the connection at hand still has to carry to the other side. */
  #wire: Uint8Array[] = [];

  constructor(bufferBytes = 1_048_576) {
    this.stream = new ResumeStream(bufferBytes, {
      data: (chunk) => {
        let want = this.heard % 251;
        for (let i = 0; i < chunk.length; i++, want = want === 250 ? 0 : want + 1) {
          if (chunk[i] !== want) throw new Error(`byte ${this.heard + i} is ${chunk[i]}, want ${want}`);
        }
        this.heard += chunk.length;
      },
      ended: () => {
        this.ends++;
      },
      gone: (reason) => {
        throw new Error(reason);
      },
    });
  }

  say(bytes: number): void {
    const at = this.said % 251;
    this.said += bytes;
    this.stream.say([counting.subarray(at, at + bytes)]);
    this.flush();
  }

  end(): void {
    this.stream.end();
    this.flush();
  }

  flush(): void {
    this.#wire.push(...this.stream.output());
    const confirmation = this.stream.confirmation();
    if (confirmation !== undefined) this.#wire.push(confirmation);
  }

  get wireBytes(): number {
    return this.#wire.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Carries up to `bytes` of what waits to `other`. */
  carry(other: Side, bytes: number): void {
    const all = concat(this.#wire);
    const fault = other.stream.receive(all.slice(0, bytes));
    if (fault !== undefined) throw new Error(fault);
    this.#wire = [all.subarray(Math.min(bytes, all.length))];
    other.flush();
  }

  drop(): void {
    this.#wire = [];
  }
}

/** The connection breaks and another takes its place. */
function reconnect(a: Side, b: Side): void {
  for (const side of [a, b]) side.drop();
  expect(a.stream.continueFrom(b.stream.received)).toBe(undefined);
  expect(b.stream.continueFrom(a.stream.received)).toBe(undefined);
  for (const side of [a, b]) side.flush();
}

function settle(a: Side, b: Side): void {
  for (let turns = 0; a.wireBytes + b.wireBytes > 0; turns++) {
    if (turns > 100) throw new Error('the two sides never come to an end');
    a.carry(b, Infinity);
    b.carry(a, Infinity);
  }
}

function expectAll(a: Side, b: Side): void {
  expect([a.heard, b.heard, a.ends, b.ends]).toStrictEqual([b.said, a.said, 1, 1]);
  expect([a.stream.complete, b.stream.complete]).toStrictEqual([true, true]);
  expect([a.stream.keptBytes, b.stream.keptBytes]).toStrictEqual([0, 0]);
}

/** The conversation that is cut everywhere: each step says something on one side. */
const script: readonly ((a: Side, b: Side) => void)[] = [
  (a) => a.say(1),
  (_, b) => b.say(700),
  (a) => a.say(2500),
  (a) => a.say(0),
  (_, b) => b.say(1),
  (a) => a.say(40),
  (_, b) => b.say(900),
  (a) => a.end(),
  (_, b) => b.end(),
];

test('a cut at every byte of a conversation, in either direction, loses and doubles nothing', () => {
  const whole = runWithCut(Infinity, Infinity);
  expect(whole.bytes).toBeGreaterThan(4000);
  for (let cut = 0; cut <= whole.bytes; cut++) {
    runWithCut(cut, Infinity);
    runWithCut(Infinity, cut);
    runWithCut(cut, cut);
  }
});

/** Plays the script over a connection that carries so many bytes each way and then is replaced; answers what went over the wire. */
function runWithCut(forth: number, back: number): { bytes: number } {
  const [a, b] = [new Side(), new Side()];
  let left = { forth, back };
  let bytes = 0;
  for (const step of script) {
    step(a, b);
    bytes += a.wireBytes + b.wireBytes;
    const [going, coming] = [a.wireBytes, b.wireBytes];
    a.carry(b, Math.min(going, left.forth));
    b.carry(a, Math.min(coming, left.back));
    left = { forth: left.forth - going, back: left.back - coming };
    if (left.forth >= 0 && left.back >= 0) continue;
    reconnect(a, b);
    left = { forth: Infinity, back: Infinity };
  }
  settle(a, b);
  expectAll(a, b);
  return { bytes };
}

test('thousands of conversations with cuts at random lose and double nothing, and keep no more than is not confirmed', () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const random = seededRandom(seed);
    const sides = [new Side(), new Side()] as const;
    try {
      for (let step = randomInt(random, 60); step > 0; step--) {
        const from = sides[randomInt(random, 2)] as Side;
        const to = from === sides[0] ? sides[1] : sides[0];
        const kind = randomInt(random, 10);
        if (kind < 4) from.say(randomInt(random, randomInt(random, 2) === 0 ? 10 : 3000));
        else if (kind < 8) from.carry(to, randomInt(random, from.wireBytes + 1));
        else reconnect(...sides);
      }
      for (const side of sides) side.end();
      if (randomInt(random, 2) === 0) reconnect(...sides);
      settle(...sides);
      expectAll(...sides);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test('what has arrived is confirmed at the latest after a sixteenth of what the other side keeps', () => {
  const [a, b] = [new Side(1_048_576), new Side(1_048_576)];
  let most = 0;
  for (let i = 0; i < 200; i++) {
    a.say(10_000);
    a.carry(b, Infinity);
    b.carry(a, Infinity);
    most = Math.max(most, a.stream.keptBytes);
  }
  expect(most).toBeLessThanOrEqual(65_536 + 10_000);
  expect(most).toBeGreaterThan(50_000);
});

test('a confirmation of bytes that were never sent, or of fewer than before, is a fault', () => {
  const said = (): Side => {
    const side = new Side();
    side.say(100);
    return side;
  };
  expect(said().stream.receive(receivedSegment(101))).toBe('RECEIVED of 101 bytes, 100 were sent');
  expect(said().stream.continueFrom(101)).toBe('RECEIVED of 101 bytes, 100 were sent');
  const side = said();
  expect(side.stream.receive(receivedSegment(60))).toBe(undefined);
  expect(side.stream.receive(receivedSegment(60))).toBe(undefined);
  expect(side.stream.receive(receivedSegment(59))).toBe('RECEIVED of 59 bytes, 60 were confirmed before');
  expect(said().stream.continueFrom(0)).toBe(undefined);
  // What was said while no connection was there has not been sent.
  const away = new Side();
  away.stream.say([new Uint8Array(5)]);
  expect(away.stream.continueFrom(5)).toBe('RECEIVED of 5 bytes, 0 were sent');
  const ended = said();
  ended.end();
  expect(ended.stream.receive(receivedSegment(101))).toBe(undefined);
  expect(ended.stream.receive(receivedSegment(100))).toBe('RECEIVED of 100 bytes, 101 were confirmed before');
  expect(ended.stream.continueFrom(102)).toBe('RECEIVED of 102 bytes, 101 were sent');
});

test('nothing but a confirmation may stand behind an end', () => {
  const [a, b] = [new Side(), new Side()];
  a.end();
  a.carry(b, Infinity);
  expect(b.stream.receive(Uint8Array.of(0x22, 0, 0, 0))).toBe('a second END');
  expect(b.stream.receive(Uint8Array.of(0x20, 0, 0, 1, 7))).toBe('BYTES behind END');
});
