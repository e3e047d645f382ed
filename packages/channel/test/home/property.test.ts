import { isCircuitError, type Random, randomInt, seededRandom } from '@circuit/base';
import {
  bytePipe,
  type ByteReader,
  type ByteWriter,
  pipe,
  receiving,
  type Receiver,
  type ReceiveResult,
  select,
  type Sender,
} from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { describe, expect, test } from 'vitest';
import { type HomePair, homePair, twoHomePairs } from '../support/home-pair.js';

/** How many walks, and from which seed on; a failure names its own. */
const seeds = Number(process.env.CIRCUIT_HOME_SEEDS ?? 100);
const first = Number(process.env.CIRCUIT_HOME_SEED ?? 1);
const window = { limits: { windowBytes: 131_072, streamWindowBytes: 131_072 } };

/** One channel or stream whose two ends walk between two processes while it is used. */
interface Walk {
  readonly what: string;
  /** Puts the next numbered piece in and answers with what became of it. */
  put(size: number, signal?: AbortSignal): Promise<void>;
  /** Takes what is there, or waits for the next piece. */
  get(): Promise<void>;
  moveSource(back: boolean): Promise<void>;
  moveSink(back: boolean): Promise<void>;
  close(): void;
  abort(reason: Error): void;
  cancel(reason: Error): void;
  readonly closed: Promise<void>;
  /** Reads to the end. */
  drain(): Promise<void>;
  /** How much should come out in the end. */
  readonly wanted: number;
  /** How much came out. */
  readonly got: number;
  /** Whether what came out is what went in, in its order, as far as it goes. */
  right(): boolean;
  /** Which ends are at home in the beginning. */
  readonly home: { source: boolean; sink: boolean };
  /** Whether, with both ends at home, the channel needs the other side no more. */
  comesHome(): boolean;
}

type Pair = Pick<HomePair, 'forth' | 'back' | 'openForth'>;
type Make = (pair: Pair, random: Random) => Walk | Promise<Walk>;

const nowhere = { source: true, sink: true };

const piped: Make = (pair, random) => messages(pair, random, pipe(randomInt(random, 4)), nowhere, 'neither');

/** The receiver is on the other side from the beginning. */
const opened: Make = async (pair, random) => {
  const { sender, receiver } = await pair.openForth();
  return messages(pair, random, { sender, receiver }, { source: true, sink: false }, 'source');
};

/** The sender is on the other side from the beginning. */
const returned: Make = async (pair, random) => {
  const requests = await pair.openForth();
  const receiver = await requests.sender.send(0, { returns: true });
  const { ret } = await take(requests.receiver);
  requests.sender.close();
  expect((await requests.receiver.receive()).done).toBe(true);
  return messages(pair, random, { sender: ret, receiver }, { source: false, sink: true }, 'sink');
};

/** `fixed`: the end that must stay where it was born. */
function messages(
  { forth, back }: Pair,
  random: Random,
  ends: { readonly sender: Sender; readonly receiver: Receiver },
  home: { source: boolean; sink: boolean },
  fixed: 'source' | 'sink' | 'neither',
): Walk {
  let { sender, receiver } = ends;
  let stayed = true;
  const taken: number[] = [];
  const given = new Set<number>();
  let sent = 0;
  // Both in one walk would not say which took first.
  const selects = randomInt(random, 2) === 0;
  const note = (value: unknown): void => void taken.push((value as [number])[0]);
  const noteResult = (message: ReceiveResult): boolean => {
    if (!message.done) note(message.value);
    return !message.done;
  };
  /** Takes the next message; answers whether there was one. */
  const next = async (): Promise<boolean> =>
    selects ? select([receiving(receiver, noteResult)]) : noteResult(await receiver.receive());
  return {
    what: 'channel',
    async put(size, signal) {
      const number = sent++;
      given.add(number);
      const acknowledged = randomInt(random, 4) === 0;
      try {
        await sender.send([number, new Uint8Array(size)], { acknowledged, ...(signal && { signal }) });
      } catch (error) {
        // Given up before it was written it goes nowhere; nobody knows of an acknowledged one.
        if (isCircuitError(error) && error.code === 'cancelled') given.delete(number);
        throw error;
      }
    },
    async get() {
      await next();
    },
    home: { ...home },
    comesHome: () => stayed,
    async moveSource(home) {
      if (fixed === 'source') stayed = false;
      sender = await (home ? back : forth)(sender);
    },
    async moveSink(home) {
      if (fixed === 'sink') stayed = false;
      receiver = await (home ? back : forth)(receiver);
    },
    close: () => sender.close(),
    abort: (reason) => sender.abort(reason),
    cancel: (reason) => receiver.cancel(reason),
    get closed() {
      return sender.closed;
    },
    async drain() {
      if (selects) while (await next());
      else for await (const value of receiver) note(value);
    },
    get wanted() {
      return given.size;
    },
    get got() {
      return taken.length;
    },
    right() {
      const order = [...given];
      return taken.every((number, i) => number === order[i]);
    },
  };
}

function bytes({ forth, back }: Pair, random: Random): Walk {
  const ends = bytePipe(1 + randomInt(random, 70_000));
  let { reader, writer }: { reader: ByteReader; writer: ByteWriter } = ends;
  let [written, got, inOrder] = [0, 0, true];
  const note = (chunk: Uint8Array): void => {
    for (const byte of chunk) if (byte !== got++ % 251) inOrder = false;
  };
  return {
    what: 'stream',
    home: { ...nowhere },
    comesHome: () => true,
    put(size) {
      // Every byte says at which place it stands.
      const chunk = Uint8Array.from({ length: size + 1 }, (_none, i) => (written + i) % 251);
      written += chunk.length;
      return writer.write(chunk);
    },
    async get() {
      const chunk = await reader.read();
      if (chunk !== undefined) note(chunk);
    },
    moveSource: async (home) => void (writer = await (home ? back : forth)(writer)),
    moveSink: async (home) => void (reader = await (home ? back : forth)(reader)),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
    cancel: (reason) => reader.cancel(reason),
    get closed() {
      return writer.closed;
    },
    async drain() {
      for await (const chunk of reader) note(chunk);
    },
    get wanted() {
      return written;
    },
    get got() {
      return got;
    },
    right: () => inOrder,
  };
}

async function walk(seed: number, make: Make, sessions: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = (sides: number): number => randomInt(random, sides);
  const tight = { a: window, b: window };
  const pair = sessions === 1 ? await homePair(tight) : await twoHomePairs(tight, () => pick(2));
  const one = await make(pair, random);
  const { home } = one;
  const puts: Promise<unknown>[] = [];
  const failures = new Set<string>();
  const watched = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => failures.add(isCircuitError(error) ? error.code : String(error)));
  for (let step = 5 + pick(25); step > 0; step--) {
    switch (pick(6)) {
      case 0:
      case 1:
        for (let i = pick(6); i > 0; i--) {
          const stop = new AbortController();
          const give = one.what === 'channel' && pick(8) === 0;
          puts.push(watched(one.put(pick(3) === 0 ? pick(90_000) : pick(50), give ? stop.signal : undefined)));
          if (give) queueMicrotask(() => stop.abort());
        }
        break;
      case 2:
        for (let i = pick(3); i > 0; i--) void watched(one.get());
        break;
      case 3:
        home.source = !home.source;
        await one.moveSource(home.source);
        break;
      case 4:
        home.sink = !home.sink;
        await one.moveSink(home.sink);
        break;
      default:
        for (let i = pick(8); i > 0; i--) await settle();
    }
  }
  /** Takes everything that was put in; receives that still wait from before take their part. */
  const readUp = async (): Promise<void> => {
    let reading: Promise<unknown> | undefined;
    while (one.got < one.wanted) {
      reading ??= watched(one.get()).finally(() => (reading = undefined));
      await settle();
    }
  };
  const drawn = ['close', 'abort', 'cancel', 'kill', 'short'][pick(5)] ?? 'close';
  const end = drawn === 'short' && !one.comesHome() ? 'close' : drawn;
  for (let i = pick(5); i > 0; i--) await settle();
  switch (end) {
    case 'close':
      one.close();
      await one.drain();
      await one.closed;
      expect(one.got).toBe(one.wanted);
      break;
    case 'abort':
      one.abort(new Error('enough'));
      await expect(one.drain()).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
      break;
    case 'cancel':
      one.cancel(new Error('enough'));
      await expect(one.closed).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
      await expect(one.drain()).rejects.toMatchObject({ code: 'aborted', message: 'enough' });
      break;
    case 'kill':
      await pair.kill();
      one.abort(new Error('enough'));
      await one.drain().catch(() => undefined);
      break;
    default:
      // Both ends go home and everything is read: from there on the other side may die.
      if (!home.source) await one.moveSource(true);
      if (!home.sink) await one.moveSink(true);
      await readUp();
      await Promise.all(puts);
      await pair.settled();
      await pair.kill();
      for (let i = 0; i < 3; i++) {
        const put = one.put(i);
        await readUp();
        await put;
      }
      one.close();
      await one.drain();
      await one.closed;
      expect(one.got).toBe(one.wanted);
  }
  await Promise.all(puts);
  // Nothing was doubled, left out or put in another order, whatever became of the end of it.
  expect(one.right()).toBe(true);
  const known = new Set(['conflict', 'cancelled', 'aborted', 'peer-gone', 'closed', 'outcome-unknown']);
  expect([...failures].filter((code) => !known.has(code))).toStrictEqual([]);
  if (end !== 'kill' && end !== 'short') await pair.settled();
  await pair.close();
}

describe.each([1, 2])('over %i sessions', (sessions) => {
  test.each([
    ['channel', piped],
    ['channel that was opened', opened],
    ['channel for answers', returned],
    ['stream', bytes],
  ] as const)('property: the ends of a %s walk about while it is used; nothing is lost, doubled or reordered', async (_what, make) => {
    for (let seed = first; seed < first + seeds; seed++) {
      try {
        await walk(seed, make, sessions);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
