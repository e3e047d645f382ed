import type { Received } from '@circuit/channel';
import type { Connect } from '@circuit/channel/conformance';
import { dialTcp, listenTcp } from '@circuit/channel/tcp';
import { expect, test, vi } from 'vitest';
import { BusyPoll, type PollingThread } from '../../src/carriers/busy-poll.js';
import { Writer } from '../../src/session/writer.js';
import { frameType } from '../../src/wire/frame.js';
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
  readonly poll: BusyPoll;

  constructor(maxMs?: number) {
    this.poll = new BusyPoll(maxMs, this);
  }

  now(): number {
    return this.time;
  }

  keep(untilMs: number): void {
    this.awakeMs = untilMs - this.time;
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

test('who hears without having written does not wait', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  waits.time += 60_000;
  waits.poll.arrived(new Uint8Array(100));
  expect(waits.wait(0.05)).toBeGreaterThan(0);
});

test('after much at once, written or arrived, eight waits are slept: small messages beside a stream', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  expect(waits.wait(0.05, 1024, 4095)).toBeGreaterThan(0);
  expect(waits.wait(0.05)).toBeGreaterThan(0);

  expect(waits.wait(0.05, 1025)).toBe(0);
  expect(waits.waits(8, 0.05)).toStrictEqual(Array(8).fill(0));
  expect(waits.wait(0.05)).toBeGreaterThan(0);

  expect(waits.wait(0.05, 100, 4096)).toBeGreaterThan(0);
  expect(waits.waits(7, 0.05)).toStrictEqual(Array(7).fill(0));
  // Unasked for, as the pieces of a stream are.
  waits.poll.arrived(new Uint8Array(4096));
  expect(waits.waits(8, 0.05)).toStrictEqual(Array(8).fill(0));
  expect(waits.wait(0.05)).toBeGreaterThan(0);
});

test('waits in vain are followed by longer and longer pauses, up to a second', () => {
  const waits = new Waits(0.2);
  let awakeMs = 0;
  const begun = waits.time;
  // One short wait, which says that the next may be short, and one that is not.
  while (waits.time - begun < 60_000) {
    waits.wait(0.1);
    awakeMs += waits.wait(1);
  }
  expect(awakeMs).toBeGreaterThan(0);
  expect(awakeMs).toBeLessThan(100);
});

test('behind messages that nobody answers less than a hundredth of the time is spent awake', () => {
  const waits = new Waits(0.2);
  waits.waits(10, 0.05);
  let awakeMs = 0;
  for (let i = 0; i < 60_000; i++) {
    waits.awakeMs = 0;
    waits.poll.wrote([new Uint8Array(100)], 100);
    awakeMs += waits.awakeMs;
    waits.time += 1;
  }
  expect(awakeMs).toBeGreaterThan(0);
  expect(awakeMs).toBeLessThan(600);
});

test('a DONE by itself is no answer and waits for none', () => {
  const waits = new Waits(0.2);
  waits.waits(1000, 0.02);
  for (const done of [written(1), written(1_000_000)]) {
    // As the side that asks: the next request is seconds away, the one behind it is awake all the same.
    waits.awakeMs = 0;
    waits.poll.wrote([done], done.length);
    expect(waits.awakeMs).toBe(0);
    waits.time += 5000;
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

test('a connection whose waits are short again is awake again, and pauses are short again', () => {
  const waits = new Waits(0.2);
  for (let i = 0; i < 5000; i++) {
    waits.wait(0.1);
    waits.wait(1);
  }
  const slept = waits.waits(100_000, 0.02);
  expect(slept.slice(-50_000)).not.toContain(0);
  // Four in vain, then the first pause is one of 1 ms again.
  for (let i = 0; i < 4; i++) {
    waits.wait(1);
    waits.wait(0.02);
  }
  expect(waits.waits(60, 0.02).lastIndexOf(0)).toBeLessThan(52);
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

vi.mock('../../src/carriers/busy-poll.js', async (original) => {
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
