import type { Received } from '@circuit/channel';
import type { Connect } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { describe, expect, test, vi } from 'vitest';
import { BusyPoll } from '../../src/carriers/polling/busy-poll.js';
import type { PollingThread } from '../../src/carriers/polling/poll-loop.js';
import { Writer } from '../../src/session/writer.js';
import * as frameType from '../../src/wire/frame-type.js';
import { connectHttp2, connectWebSocket } from '../support/http-transports.js';
import { connectPorts } from '../support/port-transports.js';
import { scopePerTest } from '../support/scope-per-test.js';
import { connectTcp, connectTls, connectUnix, over, portOf } from '../support/transports.js';

const scope = scopePerTest();

/** The waits of one connection, with a time of its own. */
class Waits implements PollingThread {
  time = 1000;
  /** How long the last wait may be spent awake. */
  awakeMs = 0;
  /** The thread does not stay awake now. */
  busy = false;
  readonly poll: BusyPoll;
  readonly #yields: boolean;

  constructor(maxMs?: number, yields = false) {
    this.#yields = yields;
    this.poll = new BusyPoll(maxMs, this);
  }

  yields(): boolean {
    return this.#yields;
  }

  now(): number {
    return this.time;
  }

  keep(untilMs: number): boolean {
    if (this.busy) return false;
    this.awakeMs = untilMs - this.time;
    return true;
  }

  /** Something small is written and answered after `ms`; answers how long the wait may be spent awake. */
  wait(ms: number, bytes = 100, answer = 100): number {
    this.awakeMs = 0;
    this.poll.wrote([new Uint8Array(bytes)], bytes);
    const awake = this.awakeMs;
    this.time += ms;
    this.poll.arrived(new Uint8Array(answer));
    return awake;
  }

  waits(count: number, ms: number): number[] {
    return Array.from({ length: count }, () => this.wait(ms));
  }
}

test('a wait behind a short one is spent awake, at first as long as is allowed, then three times the mean', () => {
  const waits = new Waits(0.2);
  expect(waits.wait(0.1)).toBe(0);
  expect(waits.wait(0.02)).toBeCloseTo(0.2);
  const last = waits.waits(100, 0.02).at(-1);
  expect(last).toBeCloseTo(0.06);
});

test('a wait behind a long one is slept', () => {
  const waits = new Waits(0.2);
  expect(waits.waits(1000, 0.3)).toStrictEqual(Array(1000).fill(0));
  expect(waits.wait(0.1)).toBe(0);
  expect(waits.wait(5)).toBeGreaterThan(0);
  expect(waits.wait(0.1)).toBe(0);
});

test('a wait behind a silence that was longer than waits may be awake is slept: the peer sleeps by then', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  for (let i = 0; i < 10; i++) {
    waits.time += 0.201;
    expect(waits.wait(0.05)).toBe(0);
    waits.time += 0.199;
    expect(waits.wait(0.05)).toBeGreaterThan(0);
  }
});

test('a wait that the thread does not spend awake is neither late nor in vain', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  waits.busy = true;
  for (let i = 0; i < 100; i++) {
    waits.wait(0.19);
    waits.wait(0.01);
  }
  waits.busy = false;
  expect(waits.wait(0.05)).toBeGreaterThan(0);
});

test('who hears without having written does not wait', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  waits.time += 60_000;
  waits.poll.arrived(new Uint8Array(100));
  expect(waits.wait(0.05)).toBeGreaterThan(0);
});

test.each([
  [false, 1024, 4095],
  [true, 32_767, 32_767],
])('after more at once, written or arrived, eight waits are slept: small messages beside a stream (yields: %s, %i, %i)', (yields, written, arrived) => {
  const waits = new Waits(0.2, yields);
  waits.waits(10, 0.05);
  expect(waits.wait(0.05, written, arrived)).toBeGreaterThan(0);
  expect(waits.wait(0.05)).toBeGreaterThan(0);

  expect(waits.wait(0.05, written + 1)).toBe(0);
  expect(waits.waits(8, 0.05)).toStrictEqual(Array(8).fill(0));
  expect(waits.wait(0.05)).toBeGreaterThan(0);

  expect(waits.wait(0.05, 100, arrived + 1)).toBeGreaterThan(0);
  expect(waits.waits(7, 0.05)).toStrictEqual(Array(7).fill(0));
  // Unasked for, as the pieces of a stream are.
  waits.poll.arrived(new Uint8Array(arrived + 1));
  expect(waits.waits(8, 0.05)).toStrictEqual(Array(8).fill(0));
  expect(waits.wait(0.05)).toBeGreaterThan(0);
});

test.each([
  [false, 100],
  [true, 300],
])('waits in vain are followed by longer and longer pauses, up to a second (yields: %s)', (yields, mostMs) => {
  const waits = new Waits(0.2, yields);
  let awakeMs = 0;
  const begun = waits.time;
  // One short wait, which says that the next may be short, and one that is not.
  while (waits.time - begun < 60_000) {
    waits.wait(0.1);
    awakeMs += waits.wait(1);
  }
  expect(awakeMs).toBeGreaterThan(0);
  expect(awakeMs).toBeLessThan(mostMs);
});

describe.each([false, true])('where others have the processor meanwhile: %s', (yields) => {
  /** How much of a minute is spent awake while `bytes` are written every `paceMs`, and something arrives 10 µs after each `credit`th time. */
  function awakeShare(bytes: number, paceMs: number, credit = Infinity): number {
    const waits = new Waits(0.2, yields);
    waits.waits(10, 0.05);
    const begun = waits.time;
    let [awakeMs, awakeUntil] = [0, 0];
    const [piece, answer] = [new Uint8Array(bytes), new Uint8Array(12)];
    for (let i = 1; waits.time - begun < 60_000; i++) {
      waits.awakeMs = 0;
      waits.poll.wrote([piece], bytes);
      const until = waits.time + waits.awakeMs;
      awakeMs += Math.max(0, until - Math.max(awakeUntil, waits.time));
      awakeUntil = Math.max(awakeUntil, until);
      if (i % credit === 0) {
        waits.time += 0.01;
        waits.poll.arrived(answer);
      }
      waits.time += paceMs;
    }
    return awakeMs / (waits.time - begun);
  }

  test.each([
    [100, 1],
    [100, 0.03],
    [65_536, 1],
    [65_536, 0.15],
  ])('behind messages of %i bytes every %f ms that nobody answers a hundredth of the time is awake at most', (...flow) => {
    expect(awakeShare(...flow)).toBeLessThan(0.01);
  });

  test('behind messages that nobody answers some waits are spent awake', () => {
    expect(awakeShare(100, 0.03)).toBeGreaterThan(0);
  });

  test.each([
    [16_384, 0.1, 8],
    [65_536, 0.15, 8],
    [65_536, 1, 4],
  ])('behind a flow of %i bytes every %f ms, with credit for each %i, a twentieth is awake at most', (...flow) => {
    expect(awakeShare(...flow)).toBeLessThan(0.05);
  });

  test('where waits awake are late and those asleep are short, less than one of a hundred is awake', () => {
    const waits = new Waits(0.2, yields);
    waits.waits(10, 0.05);
    let late = 0;
    for (let i = 0; i < 100_000; i++) {
      waits.awakeMs = 0;
      waits.poll.wrote([new Uint8Array(100)], 100);
      if (waits.awakeMs > 0) late++;
      waits.time += waits.awakeMs > 0 ? 3 : 0.06;
      waits.poll.arrived(new Uint8Array(100));
    }
    expect(late).toBeGreaterThan(0);
    expect(late).toBeLessThan(1000);
  });
});

test('a DONE by itself is no answer and waits for none', () => {
  const waits = new Waits(0.2);
  waits.waits(1000, 0.02);
  for (const done of [written(1), written(1_000_000)]) {
    // As the side that asks: the next request is seconds away, the wait behind the one after it is awake all the same.
    waits.awakeMs = 0;
    waits.poll.wrote([done], done.length);
    expect(waits.awakeMs).toBe(0);
    waits.time += 5000;
    waits.wait(0.02);
    expect(waits.wait(0.02)).toBeCloseTo(0.06);

    // As the side that answers: what it waits for is the next request, which comes late.
    waits.poll.wrote([new Uint8Array(100)], 100);
    waits.time += 0.02;
    waits.poll.arrived(done);
    waits.time += 5000;
    waits.poll.arrived(new Uint8Array(100));
    expect(waits.wait(0.02)).toBe(0);
    waits.waits(1000, 0.02);
  }
});

/** A DONE of the channel `id`, as it is written. */
function written(id: number): Uint8Array {
  const staged: Uint8Array[] = [];
  const writer = new Writer({ write: (pieces) => staged.push(...pieces), bufferedBytes: 0 }, () => undefined);
  writer.begin(frameType.done, id);
  writer.flush();
  return staged[0] as Uint8Array;
}

test.each([
  [false, 4],
  [true, 16],
])('a connection whose waits are short again is awake again, and pauses are short again (yields: %s)', (yields, count) => {
  const waits = new Waits(0.2, yields);
  for (let i = 0; i < 5000; i++) {
    waits.wait(0.1);
    waits.wait(1);
  }
  const slept = waits.waits(100_000, 0.02);
  expect(slept.slice(-50_000)).not.toContain(0);
  // So many in vain, then the first pause is one of 1 ms again.
  for (let i = 0; i < count; i++) {
    waits.wait(1);
    waits.wait(0.02);
  }
  expect(waits.waits(60, 0.02).lastIndexOf(0)).toBeLessThan(52);
});

test.each([
  [false, 4],
  [true, 16],
])('an answer that is late ends polling sooner where nobody else has the processor meanwhile (%s: after %i)', (yields, count) => {
  const waits = new Waits(0.2, yields);
  waits.waits(1000, 0.02);
  const late = Array.from({ length: count + 2 }, () => {
    const awake = waits.wait(0.3);
    // Slept, and short: the next is awake, but in a pause.
    waits.wait(0.02);
    return awake > 0;
  });
  expect(late).toStrictEqual([...Array<boolean>(count).fill(true), false, false]);
});

test('what was answered in time is not in vain because the next thing to say comes later', () => {
  const waits = new Waits(0.2);
  waits.waits(1000, 0.02);
  for (let i = 0; i < 10_000; i++) {
    // One of twenty is late.
    expect(waits.wait(i % 20 === 0 ? 0.19 : 0.02)).toBeGreaterThan(0);
    waits.time += 0.15;
  }
});

test('where others have the processor meanwhile, a pause ends after 32 short waits in a row, which were slept for nothing', () => {
  const waits = new Waits(0.2, true);
  // Until a pause is as long as pauses get.
  while (waits.time < 10_000) {
    waits.wait(0.1);
    waits.wait(1);
  }
  const slept = waits.waits(40, 0.02);
  expect(slept.slice(0, 32)).toStrictEqual(Array(32).fill(0));
  expect(slept.slice(33)).not.toContain(0);
});

test('0 switches it off, more than 10 ms is not waited, and without given figures it is 0.2', () => {
  expect(new Waits(0).waits(100, 0.01)).toStrictEqual(Array(100).fill(0));
  expect(new Waits(-1).waits(3, 0.01)).toStrictEqual([0, 0, 0]);
  expect(new Waits(Number.NaN).waits(3, 0.01)).toStrictEqual([0, 0, 0]);
  expect(new Waits(Infinity).waits(2, 9)[1]).toBeCloseTo(10);
  expect(new Waits().waits(2, 0.19)[1]).toBeCloseTo(0.2);
});

test('the event loop turns, with everything else in it, until the time is over, and then no longer', async () => {
  const immediate = setImmediate;
  /** So many rounds of the event loop. */
  const rounds = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void immediate(() => resolve()));
  };
  let time = 1000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => time);
  const asked = vi.spyOn(globalThis, 'setImmediate');
  scope.defer(() => {
    clock.mockRestore();
    asked.mockRestore();
  });
  const one = new Uint8Array(1);
  const polls = [new BusyPoll(10), new BusyPoll(10)];
  for (const poll of polls) {
    poll.wrote([one], 1);
    poll.arrived(one);
  }
  expect(asked).not.toHaveBeenCalled();
  for (const poll of polls) poll.wrote([one], 1);
  time += 9.9;
  await rounds(20);
  // One chain of rounds for both.
  expect(asked.mock.calls.length).toBeGreaterThan(15);
  expect(asked.mock.calls.length).toBeLessThanOrEqual(21);
  time += 0.1;
  await rounds(2);
  asked.mockClear();
  await rounds(10);
  expect(asked).not.toHaveBeenCalled();
});

/** The allowances of the polls that were made, each with how much it has seen. */
const made = vi.hoisted(() => [] as { maxMs: number | undefined; wrote: number; arrived: number }[]);

vi.mock('../../src/carriers/polling/busy-poll.js', async (original) => {
  const { BusyPoll: Real } = await original<{ BusyPoll: typeof BusyPoll }>();
  return {
    BusyPoll: class extends Real {
      readonly #seen: (typeof made)[number];

      constructor(maxMs?: number, thread?: PollingThread) {
        super(maxMs, thread);
        this.#seen = { maxMs, wrote: 0, arrived: 0 };
        made.push(this.#seen);
      }

      override wrote(pieces: readonly Uint8Array[], bytes: number): void {
        this.#seen.wrote += bytes;
        super.wrote(pieces, bytes);
      }

      override arrived(chunk: Uint8Array): void {
        this.#seen.arrived += chunk.length;
        super.arrived(chunk);
      }
    },
  };
});

const resuming: Connect = (options) =>
  over(async (session, onSession) => {
    const host = '127.0.0.1';
    const listener = await listenTcp({ host, port: 0, session, resume: true }, onSession);
    return { listener, dial: (own) => dialTcp({ host, port: portOf(listener), session: own, resume: true }) };
  }, options);

const carriers: [string, Connect][] = [
  ['tcp', connectTcp],
  ['tcp with resume', resuming],
  ['unix', connectUnix],
  ['tls', connectTls],
  ['http2', connectHttp2],
  ['websocket', connectWebSocket],
  ['message port', connectPorts],
];

test.each(
  carriers,
)('%s: each side polls as its session says, and hears of what is written and what arrives', async (_, connect) => {
  made.length = 0;
  const pair = await connect({ a: { busyPollMs: 3 }, b: { busyPollMs: 0 } });
  scope.defer(() => pair.close());
  const answers = await pair.a.open().send('hi', { returns: true });
  const { receiver } = await pair.b.accept();
  const { value, ret } = (await receiver.receive()) as Received;
  await ret.send(value);
  expect(await answers.receive()).toMatchObject({ value: 'hi' });
  expect(made.map(({ maxMs }) => maxMs).sort()).toStrictEqual([0, 3]);
  for (const { wrote, arrived } of made) {
    expect(wrote).toBeGreaterThan(50);
    expect(arrived).toBeGreaterThan(50);
  }
});
