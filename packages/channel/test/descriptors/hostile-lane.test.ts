import { closeSync, openSync } from 'node:fs';
import type { Session } from '@circuit/channel';
import { take } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { dialUnix } from '@circuit/channel/unix';
import { ManualClock, until } from '@circuit/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeLane, laneBytes, newToken, tokenBytes } from '../../src/descriptors/lane-frame.js';
import { laneType } from '../../src/wire/frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { concat, data, frame, hello, open, varint } from '../support/raw-peer.js';
import { connectTo, RawLane, RawSession } from './raw-lane.js';
import { RawListener } from './raw-listener.js';
import { canPass, fdsBackTo, openFds } from './unix-pair.js';
import { Victim } from './victim.js';

describe.skipIf(!canPass())('a listener', () => {
  let clock: ManualClock;
  let victim: Victim;
  let peer: RawSession;
  let session: Session;
  let lanes: RawLane[];

  beforeEach(async () => {
    clock = new ManualClock();
    victim = await Victim.listen({ session: { clock } });
    peer = await RawSession.dial(victim.path);
    session = await victim.next();
    lanes = [];
  });

  afterEach(async () => {
    for (const lane of lanes) lane.close();
    peer.socket.destroy();
    await victim.unharmed();
  });

  function lane(): RawLane {
    const one = RawLane.connect(victim.path);
    lanes.push(one);
    return one;
  }

  /** A descriptor still arrives on the lane that `one` is. */
  async function passes(one: RawLane): Promise<void> {
    const channel = peer.open();
    const { receiver } = await session.accept();
    const [id] = peer.announce(channel) as [number];
    const [descriptor] = (await take(receiver)).value as [Descriptor];
    const fd = victim.openFile();
    one.pass(id, fd);
    peer.close(id);
    closeSync(fd);
    closeSync(await takeDescriptor(descriptor));
  }

  test.each<[string, () => Uint8Array]>([
    ['a token that no session has', () => encodeLane(newToken())],
    ['its own token', () => encodeLane(peer.token)],
    ['another version', () => encodeLane(peer.peerToken).with(9, 2)],
    ['another magic', () => encodeLane(peer.peerToken).with(5, 0)],
    ['another length', () => encodeLane(peer.peerToken).with(3, 0x17)],
    ['an id', () => encodeLane(peer.peerToken).with(4, 1)],
    ['bytes behind it', () => concat([encodeLane(peer.peerToken), new Uint8Array(8)])],
    ['garbage behind its first byte', () => new Uint8Array(70_000).fill(0x12)],
  ])('hangs up on a LANE with %s, and takes the right one then', async (_what, bytes) => {
    const wrong = lane();
    expect(wrong.send(bytes())).toBeGreaterThan(0);
    await wrong.hungUp();
    const right = await peer.lane(victim.path);
    lanes.push(right);
    await passes(right);
  });

  test('hangs up on a second lane, and the first one works on', async () => {
    const first = await peer.lane(victim.path);
    lanes.push(first);
    const second = lane();
    second.send(encodeLane(peer.peerToken));
    await second.hungUp();
    await passes(first);
  });

  test('takes a LANE byte by byte, and never a descriptor that comes with it', async () => {
    const opened = openFds();
    const one = lane();
    const fd = victim.openFile();
    for (const byte of encodeLane(peer.peerToken)) {
      expect(one.send(Uint8Array.of(byte), fd)).toBe(1);
      await peer.ping();
    }
    closeSync(fd);
    expect(await one.read(tokenBytes)).toStrictEqual(peer.token);
    await passes(one);
    expect(openFds()).toBeLessThanOrEqual(opened + 2);
  });

  test('drops within 10 s who says nothing, or stops in the middle', async () => {
    const begun = encodeLane(peer.peerToken);
    const quiet = await Promise.all(
      [0, 1, 4, 20, laneBytes - 1].map(async (bytes) => {
        const socket = await connectTo(victim.path);
        socket.resume();
        if (bytes > 0) socket.write(begun.subarray(0, bytes));
        return socket;
      }),
    );
    const closed = Promise.all(quiet.map((socket) => new Promise((resolve) => socket.once('end', resolve))));
    await peer.ping();
    let over = false;
    const noticed = closed.then(() => {
      over = true;
    });
    // Connections may still wait to be accepted: their time begins then.
    await until('all to be dropped', async () => {
      await clock.advance(5000);
      peer.say(frame(frameType.pong, 0));
      return over;
    });
    await noticed;
    for (const socket of quiet) socket.destroy();
  });

  test('lets who dies in the middle of a token go', async () => {
    const opened = openFds();
    for (const bytes of [0, 1, 10, 25]) {
      const socket = await connectTo(victim.path);
      if (bytes > 0) socket.write(encodeLane(peer.peerToken).subarray(0, bytes));
      await peer.ping();
      socket.destroy();
    }
    await fdsBackTo(opened);
    expect(clock.pending).toBeLessThan(10);
  });

  test('keeps at most 1,024 connections that say nothing', async () => {
    const opened = openFds();
    const silent: RawLane[] = [];
    for (let i = 0; i < 1100; i++) {
      silent.push(lane());
      // Behind the backlog of the listener connecting is refused.
      if (i % 100 === 99) await until('them to be accepted', () => openFds() >= opened + 2 * Math.min(i, 1024));
    }
    await until('the oldest to be dropped', async () => (await silent[0]?.read(1))?.length === 0);
    await until('1,024 to be left', () => openFds() === opened + 1100 + 1024);
  });

  test('answers a lane that comes before HELLO only behind it', async () => {
    const early = new RawSession(await connectTo(victim.path), 'dialler', false);
    early.say(early.hello.subarray(0, 1));
    await early.heard(frameType.hello, 0);
    const one = lane();
    one.send(encodeLane(early.peerToken));
    await peer.ping();
    expect(one.tryRead(1)).toBe(undefined);
    early.say(early.hello.subarray(1));
    expect(await one.read(tokenBytes)).toStrictEqual(early.token);
    early.socket.destroy();
    await one.hungUp();
  });

  test('hangs up on the lane of a session that has ended', async () => {
    const token = peer.peerToken;
    session.abort();
    const late = lane();
    late.send(encodeLane(token));
    await late.hungUp();
  });

  test('ends a session that says LANE, or announces descriptors without a lane', async () => {
    peer.say(frame(laneType, 0, encodeLane(peer.peerToken).slice(5)));
    expect(await session.closed).toMatchObject({ code: 'protocol' });

    const socket = await connectTo(victim.path);
    socket.resume();
    socket.write(concat([hello(), open(1)]));
    const plain = await victim.next();
    const { receiver } = await plain.accept();
    socket.write(data(1, [0x90], 2, [1, refKind.descriptor, ...varint(3)]));
    expect(await plain.closed).toMatchObject({ code: 'protocol' });
    await expect(receiver.receive()).rejects.toMatchObject({ code: 'protocol' });
    socket.destroy();
  });
});

describe.skipIf(!canPass())('a dialler', () => {
  let clock: ManualClock;
  let before: number;
  let listener: RawListener;
  let peer: RawSession;
  let session: Session;
  let channel: number;

  beforeEach(async () => {
    clock = new ManualClock();
    before = openFds();
    listener = new RawListener();
    await listener.listen();
    session = await dialUnix({ path: listener.path, session: { clock } });
    peer = await listener.session();
    await peer.heard(frameType.hello, 0);
    channel = peer.open();
  });

  afterEach(async () => {
    session.abort();
    peer.socket.destroy();
    listener.close();
    await fdsBackTo(before);
  });

  /** What the first descriptor that the peer announces, and the first that this side sends, fail with. */
  async function failures(): Promise<unknown[]> {
    const { receiver } = await session.accept();
    peer.announce(channel);
    const [descriptor] = (await take(receiver)).value as [Descriptor];
    const sender = session.open();
    await sender.send(descriptorOf(openSync('/dev/null', 'r')));
    return Promise.all([
      openStream(descriptor).catch((error: unknown) => error),
      peer.heard(frameType.abort, 3).then(({ payload }) => String.fromCharCode(...payload)),
    ]);
  }

  test('fails what it should have passed when the lane leads to somebody else, and passes streams then', async () => {
    const failing = failures();
    const lane = await listener.lane();
    expect(await lane.read(laneBytes)).toStrictEqual(new Uint8Array(encodeLane(peer.token)));
    lane.send(newToken());
    const message = 'the lane for descriptors leads to somebody else';
    const [here, there] = await failing;
    expect(here).toMatchObject({ code: 'denied', message });
    expect(there).toContain(message);
    await lane.hungUp();
    lane.close();
    await session.open().send(descriptorOf(openSync('/dev/null', 'r')));
    const { payload } = await peer.heard(frameType.data, 5);
    expect([...payload.slice(0, 4)]).toStrictEqual([2, 1, refKind.duplex, 7]);
  });

  test.each<[string, (lane: RawLane) => void, string]>([
    ['answers with half a token', (lane) => void lane.send(new Uint8Array(8)), 'denied'],
    ['answers with a descriptor', (lane) => void lane.send(peer.peerToken, lane.fd), 'denied'],
    ['hangs up', (lane) => lane.close(), 'peer-gone'],
    ['says nothing', () => undefined, 'timeout'],
  ])('fails them when the listener %s', async (_what, answer, code) => {
    const failing = failures();
    const lane = await listener.lane();
    await lane.read(laneBytes);
    answer(lane);
    await peer.ping();
    if (code === 'timeout') await clock.advance(10_000);
    const [here, there] = await failing;
    expect(here).toMatchObject({ code });
    expect(there).toContain(code);
    lane.close();
    await peer.ping();
  });

  test('fails them when there is no listener any more, and keeps its session', async () => {
    listener.close();
    const { receiver } = await session.accept();
    peer.announce(channel);
    const [descriptor] = (await take(receiver)).value as [Descriptor];
    await expect(openStream(descriptor)).rejects.toMatchObject({
      code: 'unreachable',
      message: `dial the lane of unix ${listener.path}: no such socket`,
    });
    await peer.ping();
  });
});
