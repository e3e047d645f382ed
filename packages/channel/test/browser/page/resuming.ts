import { bytePipe, type Session } from '@circuit/channel';
import { ask, collect } from '@circuit/channel/conformance';
import { dialWebSocket } from '@circuit/channel/websocket';
import { browser } from './globals.js';

let session: Session | undefined;
let connections = 0;

/** A session that goes on over new connections, without pauses in front of them. */
async function dial(port: string): Promise<void> {
  const onState = (state: string): void => void (connections += state === 'connected' ? 1 : 0);
  session = await dialWebSocket({
    url: `ws://127.0.0.1:${port}/`,
    resume: { onState, random: { next: () => 0 } },
    session: { keepAliveMs: 0 },
  });
}

/** Numbers and a stream to the far side, questions that it answers, and numbers of its own: what came of them. */
async function work(count: number, size: number): Promise<unknown> {
  if (session === undefined) throw new Error('not dialled');
  const { receiver } = await session.accept();
  const numbers = session.open<number>({ target: 'numbers' });
  const requests = session.open<number>({ target: 'requests' });
  const streams = session.open({ target: 'streams' });
  const stream = bytePipe();
  await streams.send(stream.reader);
  const sending = (async () => {
    for (let i = 0; i < count; i++) await numbers.send(i);
    numbers.close();
  })();
  const writing = (async () => {
    for (let at = 0; at < size; at += 10_000) await stream.writer.write(new Uint8Array(10_000).fill(at / 10_000));
    stream.writer.close();
  })();
  const asking = (async () => {
    const answers: unknown[] = [];
    for (let i = 0; i < count; i++) answers.push(await ask(requests, i));
    requests.close();
    return answers;
  })();
  const [received, answers] = await Promise.all([collect(receiver), asking, sending, writing]);
  streams.close();
  await session.close();
  return { received, answers, ended: (await session.closed)?.message, connections };
}

browser.calls = {
  dial: (port = '') => dial(port),
  work: (count = '', size = '') => work(Number(count), Number(size)),
};
