import { toCircuitError } from '@circuit/base';
import { pipe, type Receiver, type Sender, type Session } from '@circuit/channel';
import { collect, eventually, take } from '@circuit/channel/conformance';
import { dialWebSocket } from '@circuit/channel/websocket';
import { browser } from './globals.js';

let session: Session | undefined;

function open(target: string): Sender {
  if (session === undefined) throw new Error('not dialled');
  return session.open({ target });
}

async function dial(port: string): Promise<void> {
  session = await dialWebSocket({ url: `ws://127.0.0.1:${port}/` });
}

/** A request with streams of the web both ways, channels in it and in its answer, and an answer to the answer. */
async function job(size: number): Promise<unknown> {
  const sender = open('job');
  const bytes = new Uint8Array(size).map((_, i) => (i * 31 + (i >> 8)) & 0xff);
  let at = 0;
  const input = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= size) controller.close();
      else controller.enqueue(bytes.slice(at, (at += 50_001)));
    },
  });
  const output = new TransformStream<Uint8Array, Uint8Array>();
  const progress = pipe<string>(4);
  const asking = sender.send({ input, output: output.writable, progress: progress.sender }, { returns: true });
  const back = new Uint8Array(await new Response(output.readable).arrayBuffer());
  const { value, ret } = await take(await asking);
  const { sha256, details } = value as { sha256: string; details: Receiver<string> };
  await ret.send('the page');
  ret.close();
  const result = {
    steps: await collect(progress.receiver),
    same: sha256 === (await digest(bytes)) && sha256 === (await digest(back)),
    details: await collect(details),
  };
  sender.close();
  await sender.closed;
  await emptied();
  return result;
}

/** Ends a stream and a channel, by `how`; answers with what the far side saw. */
async function watch(how: string): Promise<unknown> {
  const sender = open('watch');
  const [channel, ends] = [pipe<number>(1), pipe<string>(4)];
  let control: ReadableStreamDefaultController<Uint8Array> | undefined;
  const input = new ReadableStream<Uint8Array>({
    start(controller) {
      control = controller;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  await sender.send({ input, channel: channel.receiver, ends: ends.sender });
  await channel.sender.send(1);
  if (how === 'close') {
    control?.close();
    channel.sender.close();
  } else {
    control?.error(new Error('torn'));
    channel.sender.abort(new Error('given up'));
  }
  const seen = (await collect(ends.receiver)).sort();
  sender.close();
  await emptied();
  return seen;
}

interface Open {
  readonly ready: Promise<unknown>;
  readonly outcomes: Promise<unknown>;
}

/** Everything that can be open at once, towards `target`, and how it ends. */
function leaveOpen(target: string): Open {
  const sender = open(target);
  const [input, output] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()];
  const progress = pipe<string>(4);
  const message = { input: input.readable, output: output.writable, progress: progress.sender };
  const asking = sender.send(message, { returns: true });
  const writer = input.writable.getWriter();
  const reader = output.readable.getReader();
  const ready = target === 'hold' ? progress.receiver.receive() : asking;
  const endings: Readonly<Record<string, Promise<unknown>>> = {
    answer: asking.then((answers) => answers.receive()),
    progress: ready.then(() => progress.receiver.receive()),
    'stream in': reader.read(),
    'stream out': writer.closed,
    ...(target === 'hold' ? { channel: sender.closed } : {}),
  };
  const outcomes = Promise.all(
    Object.entries(endings).map(async ([name, ending]) => [name, await ending.then(() => 'an end', codeOf)]),
  ).then(async (entries) => {
    sender.close();
    await emptied();
    return Object.fromEntries(entries) as unknown;
  });
  return { ready, outcomes };
}

let left: Open | undefined;

/** Leaves everything open at the far side; `outcome` tells how it ended, and after how many milliseconds. */
async function hold(): Promise<void> {
  left = leaveOpen('hold');
  await left.ready;
}

async function outcome(): Promise<unknown> {
  const outcomes = await left?.outcomes;
  return { outcomes, session: session?.stats.channels };
}

function codeOf(error: unknown): string {
  return toCircuitError(error).code;
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function emptied(): Promise<void> {
  return eventually('the table to be empty', () => session?.stats.channels === 0);
}

browser.calls = {
  dial: (port = '') => dial(port),
  job: (size = '') => job(Number(size)),
  watch: (how = '') => watch(how),
  refuse: () => leaveOpen('refuse').outcomes,
  hold,
  outcome,
  async close() {
    await session?.close();
    return (await session?.closed)?.code;
  },
};
