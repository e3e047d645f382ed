import { runInNewContext } from 'node:vm';
import type { WaitOptions } from '@circuit/base';
import { bytePipe, pipe, type Sender } from '@circuit/channel';
import { openChannel, type Pair } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { scopePerTest } from '../support/scope-per-test.js';
import { connectMemory } from '../support/transports.js';

const scope = scopePerTest();

/** A message full of ends, and what their other ends hear. */
function message(more: object = {}): { value: object; returnTo: Sender; heard: () => Promise<unknown[]> } {
  const [to, from, back, bytes] = [pipe(), pipe(), pipe(), bytePipe()];
  const foreign = runInNewContext('new Set()') as Set<unknown>;
  return {
    value: {
      to: to.sender,
      ...more,
      deep: [new Map([['from', { from: from.receiver, set: foreign.add(bytes.reader) }]])],
    },
    returnTo: back.sender,
    heard: async () => {
      const outcomes = [to.receiver.receive(), from.sender.send(1), bytes.writer.closed, back.receiver.receive()];
      const settled = await Promise.allSettled(outcomes);
      return settled.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : one.value));
    },
  };
}

const spent = ['undelivered', 'undelivered', 'undelivered', 'undelivered'];

async function session(limits: object = {}): Promise<{ pair: Pair } & Awaited<ReturnType<typeof openChannel>>> {
  const pair = await connectMemory({ a: { limits }, b: { limits } });
  scope.defer(() => pair.close());
  return { pair, ...(await openChannel(pair.a, pair.b)) };
}

interface Case {
  readonly code: string;
  readonly more?: object;
  /** A sender, and how what it is given fails. */
  make(): Promise<{ readonly sender: Sender; readonly options?: WaitOptions; readonly after?: () => void }>;
}

/** More than a window, so that what follows waits. */
const large = new Uint8Array(300_000);

function fired(): WaitOptions {
  return { signal: AbortSignal.abort() };
}

const cases: Readonly<Record<string, Case>> = {
  'a value that cannot be sent': {
    code: 'invalid',
    more: { never: () => 0 },
    make: () => session(),
  },
  'a message that is too large': {
    code: 'limit',
    more: { large },
    make: () => session({ maxMessageBytes: 100_000 }),
  },
  'too many sends that wait': {
    code: 'limit',
    async make() {
      const made = await session({ maxPendingSends: 1 });
      void made.sender.send(large).catch(() => undefined);
      return made;
    },
  },
  'a signal that fired before': {
    code: 'cancelled',
    async make() {
      return { ...(await session()), options: fired() };
    },
  },
  'a signal that fires while it waits': {
    code: 'cancelled',
    async make() {
      const { sender } = await session();
      void sender.send(large).catch(() => undefined);
      const stop = new AbortController();
      return { sender, options: { signal: stop.signal }, after: () => stop.abort() };
    },
  },
  'a receiver that has cancelled': {
    code: 'aborted',
    async make() {
      const made = await session();
      made.receiver.cancel();
      await made.sender.closed.catch(() => undefined);
      return made;
    },
  },
  'a channel that was closed': {
    code: 'closed',
    async make() {
      const made = await session();
      made.sender.close();
      return made;
    },
  },
  'a session that is over': {
    code: 'aborted',
    async make() {
      const made = await session();
      made.pair.a.abort();
      return made;
    },
  },
  'a channel that was sent away': {
    code: 'conflict',
    async make() {
      const { pair, sender } = await session();
      await pair.a.open().send(sender);
      return { sender };
    },
  },
  'a pipe that was closed': {
    code: 'closed',
    make() {
      const { sender } = pipe();
      sender.close();
      return Promise.resolve({ sender });
    },
  },
  'a pipe that was cancelled': {
    code: 'aborted',
    make() {
      const { sender, receiver } = pipe();
      receiver.cancel();
      return Promise.resolve({ sender });
    },
  },
  'a pipe and a signal that fired before': {
    code: 'cancelled',
    make: () => Promise.resolve({ sender: pipe().sender, options: fired() }),
  },
  'a pipe and a signal that fires while it waits': {
    code: 'cancelled',
    make() {
      const stop = new AbortController();
      const options = { signal: stop.signal };
      return Promise.resolve({ sender: pipe().sender, options, after: () => stop.abort() });
    },
  },
  'a pipe that was sent away': {
    code: 'conflict',
    async make() {
      const { sender } = pipe();
      await (await session()).sender.send(sender);
      return { sender };
    },
  },
};

test.each(Object.keys(cases))('%s: what was to go with the message is spent', async (name) => {
  const one = cases[name] as Case;
  const { sender, options, after } = await one.make();
  const { value, returnTo, heard } = message(one.more);
  const sending = sender.send(value, { ...options, returnTo });
  after?.();
  await expect(sending).rejects.toMatchObject({ code: one.code });
  expect(await heard()).toStrictEqual(spent);
});

const refusing = ['a channel that was closed', 'a channel that was sent away', 'a pipe that was closed'];

test.each([
  ...refusing,
  'a pipe that was sent away',
])('trySend on %s spends what was to go with it, too', async (name) => {
  const one = cases[name] as Case;
  const { sender } = await one.make();
  const { value, returnTo, heard } = message();
  returnTo.abort();
  expect(() => sender.trySend(value)).toThrow(expect.objectContaining({ code: one.code }) as Error);
  expect((await heard()).slice(0, 3)).toStrictEqual(spent.slice(0, 3));
});

test('a message that is not sent may be circular, or stand in itself a thousand times', async () => {
  const { sender } = pipe();
  sender.close();
  const end = pipe();
  const circular: Record<string, unknown> = { end: end.sender };
  circular.self = circular;
  let wide: unknown = [circular];
  for (let i = 0; i < 100; i++) wide = [wide, wide];
  await expect(sender.send(wide)).rejects.toMatchObject({ code: 'closed' });
  await expect(end.receiver.receive()).rejects.toMatchObject({ code: 'undelivered' });
  const hidden = {
    get secret() {
      throw new Error('not for you');
    },
  };
  await expect(sender.send(hidden)).rejects.toMatchObject({ code: 'closed' });
});
