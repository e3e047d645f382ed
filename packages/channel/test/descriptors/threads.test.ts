import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Receiver, Sender, Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openStream } from '@circuit/channel/descriptors';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { layOut } from './program.js';
import { canPass, fdsBackTo, openFds, readAll } from './unix-pair.js';
import { Victim } from './victim.js';

interface Thread {
  readonly worker: Worker;
  readonly session: Session;
  readonly sender: Sender;
  readonly back: Receiver;
}

describe.skipIf(!canPass())('threads', () => {
  let folder: string;
  let program: string;
  let victim: Victim;
  let said: unknown[];

  beforeEach(async () => {
    ({ folder, program } = await layOut('descriptor-thread.ts'));
    victim = await Victim.listen();
    said = [];
  });

  afterEach(async () => {
    await victim.unharmed();
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<Thread> {
    const worker = new Worker(program, { workerData: { path: victim.path, file: victim.file } });
    worker.on('message', (message) => said.push(message));
    const session = await victim.next();
    const sender = session.open();
    const { receiver: back } = await session.accept();
    return { worker, session, sender, back };
  }

  async function roundTrip({ sender, back }: Thread): Promise<void> {
    await sender.send({ at: descriptorOf(victim.openFile()), keep: false });
    const { at } = (await take(back)).value as { at: Descriptor };
    expect(at.passed).toBe(true);
    expect(await readAll(await openStream(at))).toBe('0123456789');
  }

  test('pass descriptors, each with the native part of its own, without a warning', async () => {
    const threads = await Promise.all([start(), start()]);
    for (let i = 0; i < 20; i++) await Promise.all(threads.map(roundTrip));
    const exited = threads.map(({ worker }) => once(worker, 'exit'));
    for (const { sender } of threads) sender.close();
    expect(await Promise.all(exited)).toStrictEqual([[0], [0]]);
    expect(said).toStrictEqual(['ready', 'ready']);
  });

  test('that are terminated leave nothing open, whatever they hold, and others go on', async () => {
    const staying = await start();
    await roundTrip(staying);
    const open = openFds();
    for (let round = 0; round < 8; round++) {
      const thread = await start();
      await roundTrip(thread);
      // 64 are held, some wait in the kernel, some have not been announced; the lane is watched or waits.
      const files = Array.from({ length: round * 20 }, () => descriptorOf(victim.openFile()));
      for (const at of files) void thread.sender.send({ at, keep: round % 2 === 0 }).catch(() => undefined);
      if (round > 4) await roundTripOrSo(thread);
      await thread.worker.terminate();
      expect(await thread.session.closed).toMatchObject({ code: 'peer-gone' });
      for (;;) {
        const message = await thread.back.receive().catch(() => undefined);
        if (message === undefined || message.done) break;
        (message.value as { at: Descriptor }).at.cancel();
      }
      await fdsBackTo(open);
      await roundTrip(staying);
    }
    staying.sender.close();
    await once(staying.worker, 'exit');
    expect(said.filter((message) => message !== 'ready')).toStrictEqual([]);
  });

  /** Something has come or is held. */
  async function roundTripOrSo({ session }: Thread): Promise<void> {
    const before = session.stats.bytesIn;
    await until('the thread to be at work', () => session.stats.bytesIn > before);
  }
});
