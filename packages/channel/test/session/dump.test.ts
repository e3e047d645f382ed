import { readFileSync } from 'node:fs';
import { type Carrier, ChannelSession, memoryPair, pipe, type Sender, type SessionOptions } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { settle } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { cutFrames } from '../fuzz/mutate.js';
import { hex } from '../support/raw-peer.js';

const document = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
const longText = 33_000;

/** A frame as the document shows it: who wrote it and its bytes. */
type Shown = [arrow: string, bytes: string];

/** The frames of the chapter with the dump. `78 × 33,000` stands for that many bytes; what follows a `#` explains. */
function documented(): Shown[] {
  const block = /## .* A session, byte by byte[^]*?```\n([^]*?)```/.exec(document)?.[1] ?? '';
  const frames: Shown[] = [];
  for (const line of block.split('\n')) {
    const [, arrow, bytes] = /^([→←]?)\s*([^#]*)/.exec(line) ?? [];
    if (arrow) frames.push([arrow, '']);
    const digits = (bytes ?? '').replace(/([0-9a-f]{2}) × ([\d,]+)/g, (_all, byte: string, count: string) =>
      byte.repeat(Number(count.replace(',', ''))),
    );
    const frame = frames.at(-1);
    if (frame !== undefined) frame[1] += digits.replaceAll(' ', '');
  }
  return frames;
}

/** The frames of that conversation as two sessions write them. */
async function spoken(): Promise<Shown[]> {
  const frames: Shown[] = [];
  const options: SessionOptions = {
    limits: { maxChannels: 1000, maxMessageBytes: 1_000_000, windowBytes: 131_072, streamWindowBytes: 131_072 },
    keepAliveMs: 0,
    home: false,
  };
  const [near, far] = memoryPair();
  const a = new ChannelSession(overheard(near, '→', frames), 'dialler', options);
  const b = new ChannelSession(overheard(far, '←', frames), 'listener', options);
  await settle();
  const jobs = a.open({ target: 'jobs' });
  const answers = await jobs.send({ n: 1 }, { returns: true });
  const { receiver } = await b.accept();
  const { ret } = await take(receiver);
  const { sender: given, receiver: log } = pipe<string>(1);
  await ret.send({ log: given });
  ret.close();
  const { log: sender } = (await take(answers)).value as { log: Sender };
  expect((await answers.receive()).done).toBe(true);
  await sender.send('x'.repeat(longText));
  sender.close();
  expect((await take(log)).value).toHaveLength(longText);
  expect((await log.receive()).done).toBe(true);
  jobs.close();
  expect((await receiver.receive()).done).toBe(true);
  await jobs.closed;
  await a.close();
  return frames;
}

function overheard(carrier: Carrier, arrow: string, frames: Shown[]): Carrier {
  // As over a network, where nothing is handed over beside the bytes.
  delete (carrier as { lane?: unknown }).lane;
  const write = carrier.write.bind(carrier);
  carrier.write = (pieces, bytes) => {
    for (const frame of cutFrames(new Uint8Array(Buffer.concat(pieces)))) frames.push([arrow, hex(frame)]);
    write(pieces, bytes);
  };
  return carrier;
}

test('the session in docs/protocol.md is what two sessions say, byte by byte', async () => {
  const frames = await spoken();
  expect(documented()).toStrictEqual(frames);
});
