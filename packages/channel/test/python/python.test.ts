import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CircuitError } from '@circuit/base';
import {
  type Accepted,
  type ByteDuplex,
  type ByteReader,
  type ByteWriter,
  pipe,
  type Sender,
  serve,
  type Session,
} from '@circuit/channel';
import { listenTcp, type Listener } from '@circuit/channel/tcp';
import { listenUnix } from '@circuit/channel/unix';
import { requires } from '@circuit/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const examples = fileURLToPath(new URL('../../../../examples/python', import.meta.url));
const checks = fileURLToPath(new URL('checks.py', import.meta.url));

/** What the channels of `checks.py` and `count_words.py` are served by, by target. */
const services: Readonly<Record<string, (accepted: Accepted) => Promise<void>>> = {
  echo: ({ receiver }) => serve(receiver, (value, ret) => ret.send(value)),
  flood: ({ receiver }) =>
    serve(receiver, async (count, ret) => {
      for (let i = 0; i < Number(count); i++) await ret.send('f'.repeat(1000));
    }),
  streams: ({ receiver }) =>
    serve(receiver, async (value) => {
      const { in: writer, out: reader, both } = value as { in: ByteWriter; out: ByteReader; both: ByteDuplex };
      await Promise.all([pour(writer, reader), pour(both.writer, both.reader)]);
    }),
  'call me': ({ receiver }) =>
    serve(receiver, async (value) => {
      const calls = value as Sender;
      const answers = await calls.send(41, { returns: true });
      expect(await answers.receive()).toMatchObject({ value: 42 });
      expect((await answers.receive()).done).toBe(true);
      await calls.send('taken', { acknowledged: true });
      calls.close();
    }),
  abort: ({ receiver }) =>
    serve(receiver, (_value, ret) => {
      ret.abort(new CircuitError('aborted', 'no'));
    }),
  cancel: ({ receiver }) => {
    receiver.cancel(new CircuitError('denied', 'not for you'));
    return Promise.resolve();
  },
  unread: () => Promise.resolve(),
  done: ({ receiver }) => serve(receiver, () => undefined),
  count: ({ receiver }) =>
    serve(receiver, async (_value, ret) => {
      const { sender, receiver: words } = pipe<string>();
      await ret.send({ words: sender });
      const counts: Record<string, number> = {};
      for await (const word of words) counts[word] = (counts[word] ?? 0) + 1;
      await ret.send(counts);
    }),
};

async function pour(writer: ByteWriter, reader: ByteReader): Promise<void> {
  for await (const chunk of reader) await writer.write(chunk);
  writer.close();
}

describe.skipIf(!requires('python3'))('a client in Python, written from the protocol alone', () => {
  let sessions: Session[];
  let faults: unknown[];
  let served: Promise<void>[];
  let listeners: Listener[];
  let folder: string;
  let urls: string[];

  async function answer(session: Session): Promise<void> {
    for (;;) {
      const accepted = await session.accept().catch(() => undefined);
      if (accepted === undefined) return;
      const service = services[accepted.target];
      if (service === undefined) faults.push(`no service ${accepted.target}`);
      else served.push(service(accepted).catch((error: unknown) => void faults.push(error)));
    }
  }

  function onSession(session: Session): void {
    sessions.push(session);
    const hello = session.open({ target: 'hello' });
    void hello.send('from the listener').catch(() => undefined);
    hello.close();
    served.push(answer(session));
  }

  beforeEach(async () => {
    [sessions, faults, served] = [[], [], []];
    folder = mkdtempSync(join(tmpdir(), 'python-'));
    const tcp = await listenTcp({ host: '127.0.0.1', port: 0 }, onSession);
    const unix = await listenUnix({ path: join(folder, 's') }, onSession);
    listeners = [tcp, unix];
    urls = [`tcp://127.0.0.1:${tcp.address.port}`, `unix:${join(folder, 's')}`];
  });

  afterEach(async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    rmSync(folder, { recursive: true });
  });

  /** Every session ended with a goodbye, with nothing left in its table. */
  async function expectCleanEnd(): Promise<void> {
    for (const session of sessions) {
      expect(await session.closed).toBe(undefined);
      expect(session.stats).toMatchObject({ channels: 0, unreadBytes: 0 });
    }
    await Promise.all(served);
    expect(faults).toStrictEqual([]);
  }

  test('is at most 200 lines, all told', () => {
    expect(readFileSync(join(examples, 'circuit_channel.py'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(
      200,
    );
  });

  test('sends to a sender that stands in an answer, and says goodbye', async () => {
    for (const url of urls) {
      const { stdout } = await run('python3', [
        join(examples, 'count_words.py'),
        url,
        ...'a rose is a rose'.split(' '),
      ]);
      expect(stdout).toBe('2 a\n1 is\n2 rose\n');
    }
    expect(sessions.length).toBe(2);
    await expectCleanEnd();
  });

  test('speaks every frame, keeps to its credit and has all values right, over TCP and Unix sockets', async () => {
    for (const url of urls) await run('python3', [checks, url]);
    await expectCleanEnd();
  });
});
