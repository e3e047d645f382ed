import { execFile, execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CircuitError } from '@circuit/base';
import { type Accepted, type Sender, serve, type Session } from '@circuit/channel';
import { type Descriptor, descriptorOf, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { requires } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { canPass, readAll } from './unix-pair.js';
import { Victim } from './victim.js';

const script = fileURLToPath(new URL('lane.py', import.meta.url));

/** What reading a strange one comes to: its bytes, or the code of the error. */
const expected: Readonly<Record<string, string>> = {
  memfd: 'remembered',
  epoll: 'unsupported',
  eventfd: 'unsupported',
  folder: 'unsupported',
  device: 'unsupported',
  'path of a file': 'io',
  'path of a fifo': 'io',
  listening: 'unsupported',
  unconnected: 'unsupported',
  datagram: 'unsupported',
  packets: 'unsupported',
  'write only': '',
};

interface Given {
  readonly name: string;
  readonly at: Descriptor;
}

function openPipe(path: string): [reading: number, writing: number] {
  execFileSync('mkfifo', [path]);
  return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), openSync(path, 'w')];
}

function codeOf(error: unknown): string {
  return error instanceof CircuitError ? error.code : String(error);
}

async function read(descriptor: Descriptor): Promise<string> {
  try {
    const stream = await openStream(descriptor);
    const text = await (stream.readable ? readAll(stream) : '');
    stream.destroy();
    return text;
  } catch (error) {
    return codeOf(error);
  }
}

async function drain(descriptor: Descriptor, ret: Sender, go: Promise<unknown>): Promise<void> {
  const stream = await openStream(descriptor);
  await ret.send('opened');
  await go;
  let bytes = 0;
  stream.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes === 65_536) void ret.send(bytes);
  });
  await new Promise((resolve) => stream.once('end', resolve));
  await ret.send('end');
}

test.skipIf(!canPass() || !requires('python3'))(
  'a client in Python, written from the protocol alone, gives and takes descriptors; strange ones do no harm',
  async () => {
    const victim = await Victim.listen();
    const faults: unknown[] = [];
    let goOn: (value: unknown) => void;
    const go = new Promise((resolve) => {
      goOn = resolve;
    });
    const services: Readonly<Record<string, (value: unknown, ret: Sender) => Promise<unknown>>> = {
      read: async (value, ret) => ret.send(await read((value as Given).at)),
      'give me': async (_value, ret) => {
        const [reading, writing] = openPipe(`${victim.file}-pipe`);
        writeSync(writing, 'out of a pipe');
        await ret.send([descriptorOf(reading), descriptorOf(victim.openFile())]);
        closeSync(writing);
      },
      strange: async (value, ret) => {
        const { name, at } = value as Given;
        const seen = await read(at);
        return ret.send(seen === expected[name] ? 'as expected' : `${name}: ${seen}`);
      },
      open: async (value, ret) => {
        const stream = await openStream((value as Given).at);
        stream.destroy();
        return ret.send('opened');
      },
      // Opened as a stream it would become non-blocking for its sender, too.
      take: async (value, ret) => {
        closeSync(await takeDescriptor((value as Given).at));
        return ret.send('taken');
      },
      drain: (value, ret) => drain((value as Given).at, ret, go),
      go: () => {
        goOn(undefined);
        return Promise.resolve();
      },
      echo: (value, ret) => ret.send(value),
      two: async (value, ret) => {
        const outcomes = (value as Descriptor[]).map((descriptor) =>
          takeDescriptor(descriptor).then((fd) => {
            closeSync(fd);
            return 'here';
          }, codeOf),
        );
        return ret.send(await Promise.all(outcomes));
      },
    };
    const answer = async ({ receiver, target }: Accepted): Promise<void> =>
      serve(receiver, async (value, ret) => {
        await services[target]?.(value, ret);
      });
    const answerAll = async (session: Session): Promise<void> => {
      for (;;) {
        const accepted = await session.accept().catch(() => undefined);
        if (accepted === undefined) return;
        // It leaves its channels open when it says goodbye.
        void answer(accepted).catch((error: unknown) => codeOf(error) === 'closed' || faults.push(error));
      }
    };
    const running = promisify(execFile)('python3', [script, victim.path, victim.file]);
    const session = await victim.next();
    const answered = answerAll(session);
    await running;
    await answered;
    expect(await session.closed).toBe(undefined);
    expect(faults).toStrictEqual([]);
    await victim.unharmed();
  },
);
