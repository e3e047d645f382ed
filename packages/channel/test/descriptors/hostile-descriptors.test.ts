import { closeSync } from 'node:fs';
import type { Receiver, Session } from '@circuit/channel';
import { collect, take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { ManualClock, until } from '@circuit/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeNumber } from '../../src/descriptors/lane-frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import { data, frame, text } from '../support/raw-peer.js';
import { type RawLane, RawSession } from './raw-lane.js';
import { canPass, openFds } from './unix-pair.js';
import { Victim } from './victim.js';

const clock = new ManualClock();
let victim: Victim;
let peer: RawSession;
let lane: RawLane;
let session: Session;
let channel: number;
let receiver: Receiver;
let file: number;

describe.skipIf(!canPass())('a peer that passes what it should not', () => {
  beforeEach(async () => {
    victim = await Victim.listen({ session: { clock } });
    peer = await RawSession.dial(victim.path);
    session = await victim.next();
    lane = await peer.lane(victim.path);
    channel = peer.open();
    ({ receiver } = await session.accept());
    file = victim.openFile();
  });

  afterEach(async () => {
    closeSync(file);
    lane.close();
    peer.socket.destroy();
    await victim.unharmed();
  });

  async function announced(count = 1): Promise<{ ids: number[]; descriptors: Descriptor[] }> {
    const ids = peer.announce(channel, count);
    return { ids, descriptors: (await take(receiver)).value as Descriptor[] };
  }

  async function sessionSpeaks(): Promise<void> {
    peer.say(data(channel, [7]));
    expect((await take(receiver)).value).toBe(7);
  }

  /** The session speaks, and hands its own descriptors over as streams. */
  async function sessionGoesOn(): Promise<void> {
    await sessionSpeaks();
    const sender = session.open();
    await sender.send(descriptorOf(victim.openFile()));
    const message = await peer.heard(frameType.data, 2);
    expect([...message.payload.slice(0, 4)]).toStrictEqual([2, 1, 5, 4]);
  }

  test('what nobody announced is not read, thousands of them, and ends the lane where an announced one should stand', async () => {
    const open = openFds();
    const flooded = lane.flood(1, file);
    expect(flooded).toBeGreaterThan(100);
    for (let i = 0; i < 10; i++) {
      await peer.ping();
      expect(lane.flood(1, file)).toBe(0);
    }
    expect(openFds()).toBe(open);
    const { descriptors } = await announced();
    await expect(takeDescriptor(descriptors[0] as Descriptor)).rejects.toMatchObject({
      code: 'protocol',
      message: 'a descriptor with number 1 that was not announced, or none',
    });
    await lane.hungUp();
    await sessionGoesOn();
  });

  test('of thousands behind an announced one exactly that one is read', async () => {
    const { ids, descriptors } = await announced();
    expect(lane.pass(ids[0] as number, file)).toBe(8);
    peer.close(...ids);
    closeSync(await takeDescriptor(descriptors[0] as Descriptor));
    const open = openFds();
    for (let i = 0, sent = 0; i < 20; i++) {
      sent += lane.flood(9999, file);
      await peer.ping();
      expect(sent).toBeLessThan(1000);
    }
    expect(openFds()).toBe(open);
    await sessionSpeaks();
  });

  test('of thousands announced and passed at most 64 are held, and all arrive as they are taken', async () => {
    const open = openFds();
    const ids: number[] = [];
    for (let i = 0; i < 4; i++) ids.push(...peer.announce(channel, 500));
    const messages = [];
    for (let i = 0; i < 4; i++) messages.push(...((await take(receiver)).value as Descriptor[]));
    let next = 0;
    const pass = (): void => {
      while (next < ids.length && lane.pass(ids[next] as number, file) === 8) peer.close(ids[next++] as number);
    };
    pass();
    await until('64 to be held', () => openFds() === open + 64);
    await peer.ping();
    expect(openFds()).toBe(open + 64);
    for (const descriptor of messages) {
      closeSync(await takeDescriptor(descriptor));
      pass();
    }
    expect(next).toBe(2000);
    await until('the table to be empty', () => session.stats.channels === 1);
  });

  test('a wrong number, and a number twice', async () => {
    const { ids, descriptors } = await announced(2);
    const [first, second] = descriptors as [Descriptor, Descriptor];
    lane.pass(ids[0] as number, file);
    lane.pass(ids[0] as number, file);
    closeSync(await takeDescriptor(first));
    await expect(takeDescriptor(second)).rejects.toMatchObject({ code: 'protocol' });
    await lane.hungUp();
    const { descriptors: late } = await announced();
    await expect(openStream(late[0] as Descriptor)).rejects.toMatchObject({ code: 'peer-gone' });
    await sessionGoesOn();
  });

  test('one that overtakes its announcement waits for it, alone', async () => {
    const { ids, descriptors } = await announced();
    const [first] = ids as [number];
    const open = openFds();
    lane.pass(first + 4, file);
    lane.pass(first + 2, file);
    lane.pass(first, file);
    await until('one to be read', () => openFds() === open + 1);
    await peer.ping();
    expect(openFds()).toBe(open + 1);
    const { ids: later, descriptors: others } = await announced(2);
    expect(later).toStrictEqual([first + 2, first + 4]);
    for (const descriptor of [...descriptors, ...others]) closeSync(await takeDescriptor(descriptor));
  });

  test('one that waits for an announcement that cannot come any more is closed, and ends the lane', async () => {
    const { ids, descriptors } = await announced();
    const open = openFds();
    lane.pass((ids[0] as number) + 2, file);
    await until('it to be read', () => openFds() === open + 1);
    peer.newId();
    const { descriptors: others } = await announced();
    await expect(takeDescriptor(descriptors[0] as Descriptor)).rejects.toMatchObject({ code: 'protocol' });
    await expect(takeDescriptor(others[0] as Descriptor)).rejects.toMatchObject({ code: 'peer-gone' });
    await lane.hungUp();
    await sessionGoesOn();
  });

  test('one that waits for its announcement is closed with its session', async () => {
    const { ids, descriptors } = await announced();
    const open = openFds();
    lane.pass((ids[0] as number) + 2, file);
    await until('it to be read', () => openFds() === open + 1);
    session.abort();
    await expect(takeDescriptor(descriptors[0] as Descriptor)).rejects.toMatchObject({ code: 'aborted' });
  });

  test.each([
    ['a number without a descriptor', () => lane.send(encodeNumber(3))],
    ['half a number with a descriptor', () => lane.send(encodeNumber(3).subarray(0, 4), file)],
    ['a number beyond 2⁵³', () => lane.send(new Uint8Array(8).fill(255), file)],
    ['the number of the channel', () => lane.pass(channel, file)],
    ['number 0', () => lane.pass(0, file)],
    ['a number of this side', () => lane.pass(2, file)],
  ])('%s', async (_what, attack) => {
    const { ids, descriptors } = await announced();
    expect(ids).toStrictEqual([3]);
    expect(attack()).toBeGreaterThan(0);
    await expect(takeDescriptor(descriptors[0] as Descriptor)).rejects.toMatchObject({
      code: 'protocol',
      message: expect.stringMatching(/^a descriptor with number \d+ that was not announced, or none$/) as string,
    });
    await lane.hungUp();
    await sessionGoesOn();
  });

  test('one that never comes fails its use within 10 s, and is closed when it comes later', async () => {
    const open = openFds();
    const { ids, descriptors } = await announced(2);
    const [used, cancelled] = descriptors as [Descriptor, Descriptor];
    const taking = expect(takeDescriptor(used)).rejects.toMatchObject({
      code: 'timeout',
      message: 'the descriptor has not arrived within 10000 ms; are others of the session not taken?',
    });
    await clock.advance(10_000);
    await taking;
    cancelled.cancel();
    for (const id of ids) lane.pass(id, file);
    peer.close(...ids);
    await until('both to be done', () => session.stats.channels === 1);
    await until('both to be closed', () => openFds() === open);
    const { ids: others, descriptors: next } = await announced();
    lane.pass(others[0] as number, file);
    closeSync(await takeDescriptor(next[0] as Descriptor));
  });

  test('one that is given up fails with the reason that was said', async () => {
    const { ids, descriptors } = await announced();
    const reason = [...text('denied'), ...text('not for you'), ...text('')];
    peer.say(frame(frameType.abort, ids[0] as number, reason));
    await expect(takeDescriptor(descriptors[0] as Descriptor)).rejects.toMatchObject({
      code: 'denied',
      message: 'not for you',
    });
    await sessionSpeaks();
  });

  test('a lane that is closed in the middle fails what is missing, and nothing else', async () => {
    const { ids, descriptors } = await announced(3);
    const [here, ...missing] = descriptors as [Descriptor, ...Descriptor[]];
    lane.pass(ids[0] as number, file);
    lane.close();
    closeSync(await takeDescriptor(here));
    for (const descriptor of missing) await expect(openStream(descriptor)).rejects.toMatchObject({ code: 'peer-gone' });
    await sessionGoesOn();
  });

  test('frames that a descriptor does not have end the session and nothing else', async () => {
    const frames = {
      bytes: (id: number) => frame(frameType.bytes, id, [1]),
      data: (id: number) => data(id, [1]),
      ack: (id: number) => frame(frameType.ack, id, [1]),
      done: (id: number) => frame(frameType.done, id),
      cancel: (id: number) => frame(frameType.cancel, id, [0, 0, 0]),
    };
    for (const [name, make] of Object.entries(frames)) {
      const other = await RawSession.dial(victim.path);
      const attacked = await victim.next();
      const on = other.open();
      const { receiver: from } = await attacked.accept();
      const [id] = other.announce(on) as [number];
      const [descriptor] = (await take(from)).value as [Descriptor];
      other.say(make(id));
      expect(await attacked.closed, name).toMatchObject({ code: 'protocol' });
      await expect(takeDescriptor(descriptor)).rejects.toMatchObject({ code: 'protocol' });
      other.socket.destroy();
    }
  });

  test('a receiver that reads no lane gets streams beyond 1,024, and all are closed when it goes', async () => {
    const sender = session.open();
    const open = openFds();
    for (let i = 0; i < 4; i++) {
      void sender.send(Array.from({ length: 500 }, () => descriptorOf(victim.openFile()))).catch(() => undefined);
    }
    const kinds = (): number[] =>
      peer.frames
        .filter(({ type }) => type === frameType.data)
        .flatMap(({ payload }) => Array.from({ length: 500 }, (_, i) => kindAt(payload, i)));
    await until('four messages', () => kinds().length === 2000);
    const passed = kinds().filter((kind) => kind === 6).length;
    expect(passed).toBeGreaterThanOrEqual(1024);
    // The kernel's buffer takes what is not queued here.
    expect(passed).toBeLessThan(1024 + 500);
    expect(kinds().filter((kind) => kind === 5).length).toBe(2000 - passed);
    session.abort();
    await until('all to be closed', () => openFds() < open);
  });

  test('what queues on either side of a session that ends is closed', async () => {
    const { descriptors, ids } = await announced(100);
    for (const id of ids.slice(0, 90)) lane.pass(id, file);
    const sender = session.open();
    await sender.send(Array.from({ length: 400 }, () => descriptorOf(victim.openFile())));
    const taken = takeDescriptor(descriptors[99] as Descriptor);
    const failed = expect(taken).rejects.toMatchObject({ code: 'peer-gone' });
    peer.socket.destroy();
    await failed;
    expect(await session.closed).toMatchObject({ code: 'peer-gone' });
    for (const descriptor of descriptors) descriptor.cancel();
    await expect(collect(receiver)).rejects.toMatchObject({ code: 'peer-gone' });
  });

  test('who comes, passes, goes and comes again leaves at most 1,024 behind', async () => {
    const open = openFds();
    const left: Descriptor[] = [];
    for (let i = 0; i < 30; i++) {
      const visitor = await RawSession.dial(victim.path);
      const visited = await victim.next();
      const visitors = await visitor.lane(victim.path);
      const ids = visitor.announce(visitor.open(), 64);
      for (const id of ids) visitors.pass(id, file);
      visitor.close(...ids);
      const { receiver: from } = await visited.accept();
      left.push(...((await take(from)).value as Descriptor[]));
      for (const id of ids) await visitor.heard(frameType.done, id);
      visitor.socket.destroy();
      visitors.close();
      await visited.closed;
    }
    await until('1,024 to be left', () => openFds() <= open + 1024);
    await expect(takeDescriptor(left[0] as Descriptor)).rejects.toMatchObject({
      code: 'limit',
      message: 'the descriptor was not taken before too many sessions had ended',
    });
    for (const descriptor of left.slice(-1000)) closeSync(await takeDescriptor(descriptor));
    for (const descriptor of left) descriptor.cancel();
  });

  test('an orderly goodbye right behind descriptors loses none that there is room for', async () => {
    const { ids, descriptors } = await announced(50);
    for (const id of ids) lane.pass(id, file);
    peer.close(...ids);
    peer.say(frame(frameType.goaway, 0, [...text('closed'), ...text(''), ...text('')]));
    expect(await session.closed).toBe(undefined);
    for (const descriptor of descriptors) closeSync(await takeDescriptor(descriptor));
  });
});

/** Kind of the reference with that index; ids of two bytes or fewer. */
function kindAt(payload: Uint8Array, index: number): number {
  let at = 1;
  const skip = (): void => {
    while (((payload[at++] ?? 0) & 0x80) !== 0);
  };
  skip();
  for (let i = 0; i < index; i++) {
    at++;
    skip();
  }
  return payload[at] ?? 0;
}
