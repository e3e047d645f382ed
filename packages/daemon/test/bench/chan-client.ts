import { bytePipe, type Receiver, type Sender } from '@circuit/channel';
import { dialUnix } from '@circuit/channel/unix';
import { idA } from '../support/stand-ins.js';

const session = await dialUnix({ path: process.argv[2] ?? '' });
const channel = session.open();
let made = 0;

async function ask(verb: string, body: unknown): Promise<Receiver> {
  return channel.send({ verb, body }, { returns: true });
}

async function toEnd(answers: Receiver): Promise<void> {
  for (;;) {
    const received = await answers.receive({ returns: false });
    if (received.done) return;
    const reply = received.value as { type: string };
    if (reply.type === 'failure') throw new Error(JSON.stringify(reply));
  }
}

async function receive(path: string): Promise<void> {
  const answers = await ask('recv', { path });
  const received = await answers.receive();
  if (received.done) throw new Error('no message');
  const { content } = (received.value as { event: { content: { type: string; source: AsyncIterable<Uint8Array> } } })
    .event;
  let bytes = 8;
  if (content.type === 'bytes') {
    bytes = 0;
    for await (const chunk of content.source) bytes += chunk.length;
  }
  acknowledge(received.ret, bytes);
  await toEnd(answers);
}

function acknowledge(ret: Sender, bytes: number): void {
  void ret.send({ type: 'acknowledged', bytes });
  ret.close();
}

function content(kind: string): unknown {
  if (kind === 'value') return { type: 'value', value: 42 };
  const { reader, writer } = bytePipe();
  void writer.write(Buffer.alloc(100));
  writer.close();
  return { type: 'bytes', source: reader };
}

async function run(kind: string, capacity: number, inFlight: number, total: number): Promise<void> {
  const path = `/${idA}/c${made++}`;
  await toEnd(await ask('mkchan', { path, capacity }));
  const start = performance.now();
  let sent = 0;
  let got = 0;
  const sender = async (): Promise<void> => {
    while (sent++ < total) await toEnd(await ask('send', { path, content: content(kind) }));
  };
  const receiver = async (): Promise<void> => {
    while (got++ < total) await receive(path);
  };
  await Promise.all(Array.from({ length: inFlight }, () => [sender(), receiver()]).flat());
  const rate = total / ((performance.now() - start) / 1000);
  console.log(
    `${kind.padEnd(6)} capacity ${String(capacity).padStart(3)}, ${String(inFlight).padStart(2)} in flight: ${Math.round(rate)} messages/s`,
  );
}

for (const kind of ['value', 'bytes']) {
  await run(kind, 64, 64, 20_000);
  await run(kind, 64, 64, 100_000);
  await run(kind, 0, 64, 100_000);
  await run(kind, 0, 1, 20_000);
}
await session.close();
