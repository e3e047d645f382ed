import { bytePipe, type ByteWriter } from '@circuit/channel';
import { until } from '@circuit/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Asked, TestClient, type Told } from '../support/request.js';
import { idA, Rig } from '../support/rig.js';

const path = `/${idA}/c`;
let rig: Rig;
let client: TestClient;

beforeEach(async () => {
  rig = await Rig.open();
  client = rig.client();
});
afterEach(() => rig.close());

function sendStream(by = client): { asked: Asked<'send'>; writer: ByteWriter } {
  const { reader, writer } = bytePipe();
  writer.closed.catch(() => undefined);
  return { asked: by.ask('send', { path, content: { type: 'bytes', source: reader } }), writer };
}

function sendValue(value: unknown, by = client): Asked<'send'> {
  return by.ask('send', { path, content: { type: 'value', value } });
}

function sendWhole(text: string, by = client): Asked<'send'> {
  return by.ask('send', { path, content: { type: 'whole', bytes: Buffer.from(text) } });
}

async function message(asked: Asked<'recv'>): Promise<Told<'recv'>> {
  const told = await asked.next();
  if (told === undefined) throw new Error('no message came');
  return told;
}

async function read({ event }: Told<'recv'>): Promise<Buffer> {
  if (event.content.type === 'whole') return Buffer.from(event.content.bytes);
  if (event.content.type !== 'bytes') throw new Error('no bytes');
  const chunks: Uint8Array[] = [];
  for await (const chunk of event.content.source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function acknowledge(told: Told<'recv'>, bytes: number): void {
  told.ret.send({ type: 'acknowledged', bytes }).catch(() => undefined);
  told.ret.close();
}

const stat = (): Promise<{ NumSend: number; NumRecv: number }> => client.call('stat', { path });

test('a short message is buffered and its sender may go before a receiver comes', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.from('hello'));
  writer.close();
  expect(await asked.result).toEqual({ outcome: 'buffered', bytes: 5 });
  expect(await client.call('peek', { path })).toMatchObject({
    kind: 'chan',
    state: { Cap: 1, NumSend: 1, NumRecv: 0, Buffered: 1, BufferedBytes: 5 },
  });
  const recv = client.ask('recv', { path });
  const told = await message(recv);
  expect((await read(told)).toString()).toBe('hello');
  acknowledge(told, 5);
  expect(await recv.result).toEqual({ bytes: 5 });
  expect(await stat()).toMatchObject({ NumSend: 1, NumRecv: 1, BufferedBytes: 0 });
});

test('a message in one piece is buffered, handed out as it is, and given again when its receiver dies', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  expect(await sendWhole('hello').result).toEqual({ outcome: 'buffered', bytes: 5 });
  expect(await client.call('peek', { path })).toMatchObject({ state: { NumSend: 1, Buffered: 1, BufferedBytes: 5 } });
  const dying = rig.dial();
  const lost = await message(new TestClient(dying).ask('recv', { path }));
  expect([lost.event.redelivered, (await read(lost)).toString()]).toEqual([false, 'hello']);
  dying.abort();
  const recv = client.ask('recv', { path });
  const told = await message(recv);
  expect([told.event.redelivered, told.event.content.type]).toEqual([true, 'whole']);
  acknowledge(told, 5);
  expect(await recv.result).toEqual({ bytes: 5 });
  expect(await stat()).toMatchObject({ NumSend: 1, NumRecv: 1, BufferedBytes: 0 });
});

test('a message in one piece without room waits for its receiver, who has to acknowledge all of it', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const sending = sendWhole('hello');
  const first = client.ask('recv', { path });
  acknowledge(await message(first), 4);
  await expect(first.result).rejects.toMatchObject({ code: 'invalid' });
  const second = client.ask('recv', { path });
  acknowledge(await message(second), 5);
  expect(await second.result).toEqual({ bytes: 5 });
  expect(await sending.result).toEqual({ outcome: 'acknowledged', bytes: 5 });
});

test('a message of exactly 32 KiB is buffered whole, one byte more waits for its receiver', async () => {
  await client.call('mkchan', { path, capacity: 2 });
  const exact = sendStream();
  await exact.writer.write(Buffer.alloc(32_768));
  exact.writer.close();
  expect(await exact.asked.result).toEqual({ outcome: 'buffered', bytes: 32_768 });
  const longer = sendStream();
  await longer.writer.write(Buffer.alloc(32_769));
  longer.writer.close();
  expect((await longer.asked.next())?.event).toEqual({ type: 'accepted', by: 'buffer' });
  expect(await stat()).toMatchObject({ NumSend: 1 });
  for (const bytes of [32_768, 32_769]) {
    const recv = client.ask('recv', { path });
    const told = await message(recv);
    expect((await read(told)).length).toBe(bytes);
    acknowledge(told, bytes);
    await recv.result;
  }
  expect((await longer.asked.next())?.event).toEqual({ type: 'taken' });
  expect(await longer.asked.result).toEqual({ outcome: 'acknowledged', bytes: 32_769 });
});

test('a long message goes through with back-pressure and byte for byte', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const bytes = 8 * 1_048_576;
  const { asked, writer } = sendStream();
  const writing = (async () => {
    for (let at = 0; at < bytes; at += 65_536) await writer.write(Buffer.alloc(65_536, at / 65_536));
    writer.close();
  })();
  const recv = rig.client().ask('recv', { path });
  const told = await message(recv);
  const got = await read(told);
  await writing;
  expect(got.length).toBe(bytes);
  expect([got[0], got[65_536], got[bytes - 1]]).toEqual([0, 1, 127]);
  acknowledge(told, bytes);
  expect(await asked.result).toEqual({ outcome: 'acknowledged', bytes });
});

test('nothing of a stream is read before it is accepted', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.from('x'));
  writer.close();
  await until('the sender waits', async () => (await client.call('stat', { path })).Senders.length === 1);
  expect(asked.events).toEqual([]);
  asked.giveUp();
  await until('the sender has left', async () => (await client.call('stat', { path })).Senders.length === 0);
});

test('a receiver that dies gives a short message to the next one, marked', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.from('hello'));
  writer.close();
  const dying = rig.dial();
  const first = new TestClient(dying).ask('recv', { path });
  const told = await message(first);
  expect(told.event.redelivered).toBe(false);
  dying.abort();
  expect((await asked.next())?.event).toEqual({ type: 'accepted', by: 'receiver' });
  expect((await asked.next())?.event).toMatchObject({ type: 'receiver-gone', again: true });
  const second = client.ask('recv', { path });
  const again = await message(second);
  expect(again.event.redelivered).toBe(true);
  expect((await read(again)).toString()).toBe('hello');
  acknowledge(again, 5);
  expect(await asked.result).toEqual({ outcome: 'acknowledged', bytes: 5 });
  expect(await stat()).toMatchObject({ NumSend: 1, NumRecv: 1 });
});

test('a receiver that dies in a long message fails its send, and nothing is counted', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.alloc(60_000));
  const recv = client.ask('recv', { path });
  const told = await message(recv);
  if (told.event.content.type === 'bytes') await told.event.content.source.read();
  recv.giveUp();
  await expect(asked.result).rejects.toMatchObject({ code: 'peer-gone', detail: 'receiver-gone' });
  const events = asked.events.map(({ event }) => event);
  expect(events.at(-1)).toEqual({ type: 'receiver-gone', bytes: 60_000, again: false });
  expect(await stat()).toMatchObject({ NumSend: 0, NumRecv: 0, BufferedBytes: 0 });
});

test('a sender that dies fails the receive: a short message never looks whole', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const dying = rig.dial();
  const { writer } = sendStream(new TestClient(dying));
  await writer.write(Buffer.from('half'));
  const recv = client.ask('recv', { path });
  const told = await message(recv);
  dying.abort();
  await expect(read(told)).rejects.toMatchObject({ code: 'peer-gone' });
  await expect(recv.result).rejects.toMatchObject({ code: 'peer-gone' });
  expect(await stat()).toMatchObject({ NumSend: 0, NumRecv: 0 });
});

test('an aborted stream in the buffer leaves it', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.from('half'));
  await asked.next();
  writer.abort();
  await expect(asked.result).rejects.toMatchObject({ code: 'aborted' });
  expect(await sendValue(1).result).toMatchObject({ outcome: 'buffered' });
});

test('messages are first come, first served on both sides', async () => {
  await client.call('mkchan', { path, capacity: 2 });
  const sends = [1, 2, 3, 4].map((value) => sendValue(value));
  await sends[1]!.result;
  const got: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    const recv = client.ask('recv', { path });
    const told = await message(recv);
    if (told.event.content.type === 'value') got.push(told.event.content.value);
    acknowledge(told, 8);
    await recv.result;
  }
  expect(got).toEqual([1, 2, 3, 4]);
});

test('close lets blocked and buffered sends complete, then receivers hear it', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  const buffered = sendValue('a');
  const blocked = sendValue('b');
  await buffered.result;
  await client.call('close', { path });
  await expect(client.call('close', { path })).rejects.toMatchObject({ code: 'conflict' });
  await expect(sendValue('c').result).rejects.toMatchObject({ code: 'closed' });
  const recvs = [1, 2, 3].map(() => client.ask('recv', { path }));
  for (const recv of recvs.slice(0, 2)) acknowledge(await message(recv), 2);
  await expect(recvs[2]!.result).rejects.toMatchObject({ code: 'closed' });
  expect(await blocked.result).toMatchObject({ bytes: 1 });
  expect(await stat()).toMatchObject({ NumSend: 2, NumRecv: 2, Closed: true });
});

test('scrub aborts those who wait, and a handle hears only stat', async () => {
  const { element } = await client.call('mkchan', { path, capacity: 0 });
  const waiting = sendValue(1);
  const { asked, writer } = sendStream();
  await until('two wait', async () => (await client.call('stat', { path })).Senders.length === 2);
  const recv = client.ask('recv', { path });
  await message(recv);
  expect(await client.call('scrub', { path })).toEqual({ kind: 'chan' });
  for (const each of [waiting.result, asked.result, recv.result])
    await expect(each).rejects.toMatchObject({ code: 'aborted' });
  await expect(writer.closed).rejects.toMatchObject({ code: 'aborted' });
  expect(await client.call('stat', { path, element })).toMatchObject({ Aborted: true });
  for (const verb of ['recv', 'close', 'peek'] as const)
    await expect(client.call(verb, { path, element })).rejects.toMatchObject({ code: 'aborted' });
  await expect(client.call('stat', { path })).rejects.toMatchObject({ code: 'not-found' });
});

test('peek tells who waits', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const recv = client.ask('recv', { path });
  await until('one waits', async () => (await client.call('stat', { path })).Receivers.length === 1);
  const { Receivers } = await client.call('stat', { path });
  expect(Receivers[0]?.Who).toContain('memory');
  recv.giveUp();
  await until('nobody waits', async () => (await client.call('stat', { path })).Receivers.length === 0);
});

test('a refused message is put back', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  await sendValue('keep').result;
  const refusing = client.ask('recv', { path });
  const told = await message(refusing);
  await told.ret.send({ type: 'refused', reason: 'holds channels' });
  told.ret.close();
  await expect(refusing.result).rejects.toMatchObject({ code: 'conflict' });
  const recv = client.ask('recv', { path });
  expect((await message(recv)).event).toMatchObject({ redelivered: true, content: { value: 'keep' } });
});

test('a value that holds a channel is never buffered as safe and goes once', async () => {
  await client.call('mkchan', { path, capacity: 1 });
  const { reader, writer } = bytePipe();
  const asked = sendValue({ stream: reader });
  const first = client.ask('recv', { path });
  const told = await message(first);
  const value =
    told.event.content.type === 'value' ? (told.event.content.value as { stream: typeof reader }) : undefined;
  await writer.write(Buffer.from('through'));
  expect(Buffer.from((await value?.stream.read()) ?? []).toString()).toBe('through');
  first.giveUp();
  await expect(asked.result).rejects.toMatchObject({ code: 'peer-gone' });
});

test('an acknowledgement before the end counts for nothing', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  const { asked, writer } = sendStream();
  await writer.write(Buffer.from('half'));
  const recv = client.ask('recv', { path });
  acknowledge(await message(recv), 4);
  await expect(recv.result).rejects.toMatchObject({ code: 'invalid' });
  writer.close();
  const next = client.ask('recv', { path });
  const told = await message(next);
  expect((await read(told)).toString()).toBe('half');
  acknowledge(told, 4);
  expect(await asked.result).toEqual({ outcome: 'acknowledged', bytes: 4 });
});

test('after all of it nothing is left in the sessions', async () => {
  await client.call('mkchan', { path, capacity: 0 });
  for (let i = 0; i < 20; i++) {
    const asked = sendValue(i);
    const recv = client.ask('recv', { path });
    acknowledge(await message(recv), 8);
    await Promise.all([asked.result, recv.result]);
  }
  await until('only the request channel is open', () => client.session.stats.channels === 1);
});
