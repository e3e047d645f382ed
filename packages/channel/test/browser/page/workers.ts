import type { Sender, Session } from '@circuit/channel';
import { ask, collect, take } from '@circuit/channel/conformance';
import { dialWorker, listenWorker } from '@circuit/channel/message-port';
import { browser } from './globals.js';

type WebWorker = InstanceType<typeof browser.Worker>;

function start(script: string): WebWorker {
  return new browser.Worker(`/${script}.js`, { type: 'module' });
}

/** A sender that came out of a worker's answer, and a session that the worker dials. */
async function bothWays(): Promise<unknown> {
  const worker = start('serving-worker');
  const session = dialWorker(worker);
  const requests = session.open<string>();
  const { value } = await take(await requests.send('question', { returns: true }));
  const { value: echoed, add } = value as { value: string; add: Sender<number> };
  const sums = [await ask(add, 1), await ask(add, 2)];
  add.close();
  requests.close();
  const dialled = new Promise<Session>((resolve) => void listenWorker(worker, resolve));
  worker.postMessage('dial me');
  const other = await dialled;
  const heard = await collect((await other.accept()).receiver);
  await Promise.all([session.close(), other.close()]);
  worker.terminate();
  return { echoed, sums, heard, ends: [await session.closed, await other.closed].length };
}

/** How a session ends whose worker is terminated while somebody waits: a page hears of it by nothing but the time. */
async function terminated(): Promise<unknown> {
  const worker = start('serving-worker');
  const session = dialWorker(worker, { session: { keepAliveMs: 1000 } });
  await take(await session.open().send('question', { returns: true }));
  const waiting = session.accept().then(() => 'accepted', codeOf);
  worker.terminate();
  return [await waiting, (await session.closed)?.message];
}

/** How a session ends whose worker gives it up. */
async function aborted(): Promise<unknown> {
  const worker = start('serving-worker');
  const session = dialWorker(worker, { session: { keepAliveMs: 0 } });
  await take(await session.open().send('question', { returns: true }));
  const waiting = session.accept().then(() => 'accepted', codeOf);
  worker.postMessage('abort all');
  const outcome = [await waiting, (await session.closed)?.message];
  worker.terminate();
  return outcome;
}

/** How a session ends whose worker cannot be loaded. */
async function missing(): Promise<unknown> {
  const session = dialWorker(start('no-such-worker'), { name: 'missing', session: { keepAliveMs: 0 } });
  const error = await session.closed;
  return [error?.code, error?.message];
}

function codeOf(error: unknown): string {
  return (error as { readonly code: string }).code;
}

browser.calls = { bothWays, terminated, aborted, missing };
