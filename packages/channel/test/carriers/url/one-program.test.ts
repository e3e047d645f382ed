import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytePipe, pipe, type Session } from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import { collect, take } from '@circuit/channel/conformance';
import { dial, type DialOptions, listen, type ListenOptions, MemoryNetwork } from '@circuit/channel/dial';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { answerAll } from '../../support/answering.js';
import { dialAuth, listenAuth } from '../../support/auth-pair.js';
import { scopePerTest } from '../../support/scope-per-test.js';
import { startWorker } from '../../support/worker.js';

const scope = scopePerTest();

/** The program: nothing in it knows what it runs over. */
async function program(url: string, options: DialOptions): Promise<unknown> {
  const session = await dial(url, options);
  try {
    const questions = session.open();
    const [input, progress] = [bytePipe(), pipe<string>(4)];
    const question = { numbers: [1, 2, 39], input: input.reader, progress: progress.sender };
    const answers = await questions.send(question, { returns: true });
    await input.writer.write(new Uint8Array(300_000));
    input.writer.close();
    const steps = await collect(progress.receiver);
    const answer = (await take(answers)).value;
    questions.close();
    return { steps, answer };
  } finally {
    await session.close();
  }
}

const expected = { steps: ['begun', 'read'], answer: { sum: 42, bytes: 300_000 } };

/** One set of options for all addresses: each takes what is its own. */
async function everything(): Promise<{ readonly dialling: DialOptions; readonly listening: ListenOptions }> {
  const memory = new MemoryNetwork();
  const key = new Uint8Array(randomBytes(32));
  const session = { keepAliveMs: 0 };
  const worker = await startWorker('answering-worker.ts');
  scope.defer(async () => {
    await worker.terminate();
  });
  return {
    dialling: { session, memory, worker, tls: { psk: { identity: 'me', key } }, http: {} },
    listening: { session, memory, tls: { pskFor: () => key }, http: {} },
  };
}

test('one unchanged program runs over every carrier; only the address differs', async () => {
  const { dialling, listening } = await everything();
  const folder = await mkdtemp(join(tmpdir(), 'channel-url-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const addresses = [
    'memory:program',
    `unix:${join(folder, 's')}`,
    'tcp://127.0.0.1:0',
    'tls://127.0.0.1:0',
    'ws://127.0.0.1:0/channels',
    'http://127.0.0.1:0/channels',
  ];
  for (const address of addresses) {
    const listener = await listen(address, listening, (session) => void answerAll(session));
    expect(listener.url).not.toContain(':0');
    expect({ address, ...((await program(listener.url, dialling)) as object) }).toStrictEqual({ address, ...expected });
    await listener.close();
    await listener.close();
  }
  expect(await program('worker:', dialling)).toStrictEqual(expected);
});

test('a key is proved over every carrier, and a wrong one is denied before the listener has a session', async () => {
  const { dialling, listening } = await everything();
  for (const address of ['memory:program', 'tcp://127.0.0.1:0', 'tls://127.0.0.1:0', 'ws://127.0.0.1:0']) {
    const sessions: Session[] = [];
    const taking = { ...listening, session: { keepAliveMs: 0, auth: keyAuth(listenAuth) } };
    const listener = await listen(address, taking, (session) => {
      sessions.push(session);
      void answerAll(session);
    });
    const proving = (key: Uint8Array): DialOptions => ({
      ...dialling,
      session: { keepAliveMs: 0, auth: keyAuth({ ...dialAuth, key }) },
    });
    expect(await program(listener.url, proving(dialAuth.key))).toStrictEqual(expected);
    expect(sessions[0]?.peer.identity).toBe('worker-7');
    await expect(dial(listener.url, proving(new Uint8Array(32)))).rejects.toMatchObject({ code: 'denied' });
    const without = await dial(listener.url, dialling);
    expect(await without.closed).toMatchObject({ code: 'denied' });
    await until('the session to be over', () => sessions[0]?.stats.channels === 0);
    expect(sessions.length).toBe(1);
    await listener.close();
  }
});

test('nobody there, a name that is taken, and a dial that is given up are told apart', async () => {
  const memory = new MemoryNetwork();
  await expect(dial('memory:x', { memory })).rejects.toMatchObject({ code: 'unreachable' });
  const first = await listen('memory:x', { memory }, (session) => session.abort());
  await expect(listen('memory:x', { memory }, () => undefined)).rejects.toMatchObject({ code: 'conflict' });
  const signal = AbortSignal.abort();
  await expect(dial('memory:x', { memory, signal })).rejects.toMatchObject({ code: 'cancelled' });
  await first.close();
  await expect(dial('memory:x', { memory })).rejects.toMatchObject({ code: 'unreachable' });
  await expect(dial('unix:/nowhere/at/all', {})).rejects.toMatchObject({ code: 'unreachable' });
});
