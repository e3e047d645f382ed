import { CircuitError } from '@circuit/base';
import { type Carrier, ChannelSession, type Session } from '@circuit/channel';
import { ask, collect, serve, take } from '@circuit/channel/conformance';
import { dialSession } from '@circuit/channel/resume';
import { settle, until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { encodeStep, type Step } from '../../src/resume/handshake.js';
import { endSegment, goneSegment, receivedSegment, SegmentReader } from '../../src/resume/segments.js';
import { CutPair } from '../support/cut-pair.js';
import { challenge, prover, quiet, rawDialler, Site } from '../support/resume-site.js';

test('a dialler and a listener of which one does not resume: the listener takes both, the dialler is told by name', async () => {
  const site = new Site();
  const plain = await site.dial(false);
  const sender = plain.open();
  await sender.send('hello');
  await until('the session', () => site.sessions.length === 1);
  expect((await take((await (site.sessions[0] as Session).accept()).receiver)).value).toBe('hello');
  await Promise.all([plain.close(), site.sessions[0]?.close()]);
  const without = new Site(false);
  await expect(without.dial()).rejects.toMatchObject({
    code: 'unsupported',
    message: 'dial memory cut: the other side does not resume sessions; dial without resume',
  });
  const [session] = without.sessions as [Session];
  expect((await session.closed)?.message).toContain('RESUME: this listener does not resume sessions');
  expect(site.clock.pending).toBe(0);
});

test('options out of their bounds are refused, with the value', async () => {
  for (const [resume, text] of [
    [{ timeMs: 99 }, 'resume timeMs: 99, want a whole number from 100 to 86400000'],
    [{ bufferBytes: 1e12 }, 'resume bufferBytes: 1000000000000'],
    [{ bufferBytes: 1_048_576.5 }, 'resume bufferBytes'],
  ] as const) {
    await expect(new Site().dial(resume)).rejects.toMatchObject({ code: 'invalid' });
    expect(() => new Site(resume)).toThrow(text);
  }
});

test('a session that is away too long fails on both sides; the shorter time holds', async () => {
  const site = new Site({ timeMs: 20_000 });
  const a = await site.dial({ timeMs: 5000 });
  const [b] = site.sessions as [Session];
  const sender = a.open();
  const { receiver } = await b.accept();
  const waiting = receiver.receive().catch((error: unknown) => error);
  site.reachable = false;
  site.latest.break();
  await settle();
  const sent = sender.send('on the way', { acknowledged: true }).catch((error: unknown) => error);
  await site.clock.advance(4900);
  expect([a.stats.channels, b.stats.channels]).toStrictEqual([1, 1]);
  await site.clock.advance(200);
  expect(await waiting).toMatchObject({ code: 'peer-gone' });
  expect(await sent).toMatchObject({ code: 'outcome-unknown' });
  expect((await a.closed)?.message).toBe('memory cut: away for 5000 ms: no way there');
  expect(await b.closed).toMatchObject({ code: 'peer-gone' });
  expect(site.door.counts).toStrictEqual({ resumable: 0, away: 0, handshakes: 0 });
  expect(site.clock.pending).toBe(0);
});

test('connections that are taken up and break at once are dialled no more often, and no longer, than none', async () => {
  const site = new Site();
  let line = '';
  const a = await site.dial({ timeMs: 5000, onState: (state) => void (line = state) });
  const over: unknown[] = [];
  for (const one of [a, ...site.sessions]) void one.closed.then((error) => over.push(error));
  site.latest.break();
  // Proofs are made beside the clock, which waits for them.
  for (let i = 0; i < 600 && over.length < 2; i++) {
    await site.clock.advance(100);
    await until('every handshake to be over', () => site.door.counts.handshakes === 0);
    await settle();
    if (line === 'connected') site.latest.break();
  }
  expect(site.pairs.length).toBeGreaterThan(5);
  expect(site.pairs.length).toBeLessThan(15);
  expect(site.clock.now()).toBeLessThan(6000);
  const refusal = { code: 'peer-gone', message: expect.stringMatching(/away for 5000 ms/) as string };
  expect(over).toMatchObject([refusal, refusal]);
});

test.each([
  [10_500, 'begins the time anew', 'aborted'],
  [9500, 'does not begin it anew', 'peer-gone'],
])('a connection of %i ms over which nothing is said %s', async (lastedMs, _outcome, code) => {
  const site = new Site();
  let line = 'connected';
  const a = await site.dial({ timeMs: 15_000, onState: (state) => void (line = state) });
  site.latest.break();
  while (line !== 'connected' || site.pairs.length < 2) {
    await site.clock.advance(50);
    await until('the handshake to be over', () => site.door.counts.handshakes === 0);
    await settle();
  }
  await site.clock.advance(lastedMs);
  site.reachable = false;
  site.latest.break();
  await settle();
  await site.clock.advance(10_000);
  a.abort(new CircuitError('aborted', 'it is still there'));
  expect(await a.closed).toMatchObject({ code });
  await site.clock.advance(60_000);
});

test('attempts to dial again come after pauses that grow to two seconds', async () => {
  const site = new Site();
  const attempts: number[] = [];
  const connect = (): Promise<Carrier> => {
    attempts.push(site.clock.now());
    return site.connect();
  };
  const session = { ...quiet, clock: site.clock };
  const a = await dialSession(connect, { session, resume: { timeMs: 20_000, random: { next: () => 1 } } });
  site.reachable = false;
  site.latest.break();
  await site.clock.advance(10_000);
  const pauses = attempts.slice(1).map((at, i) => at - (attempts[i] as number));
  expect(pauses.slice(0, 8)).toStrictEqual([50, 100, 200, 400, 800, 1600, 2000, 2000]);
  site.reachable = true;
  await site.clock.advance(2000);
  await until('the session to go on', () => site.states.at(-1) === 'connected');
  await Promise.all([a.close(), site.sessions[0]?.close()]);
  await until('the connection to end', () => site.clock.pending === 0);
});

test('while it is away senders wait; what is said beyond the buffer ends it', async () => {
  const site = new Site();
  const a = await site.dial({ bufferBytes: 1_048_576 });
  const senders = Array.from({ length: 20 }, () => a.open<Uint8Array>());
  site.reachable = false;
  await site.clock.advance(1);
  site.latest.break();
  await settle();
  const sends = senders.map((sender) => sender.send(new Uint8Array(200_000)));
  const outcomes = Promise.allSettled(sends);
  await settle();
  expect(a.stats.channels).toBe(20);
  expect(a.stats.unsentBytes).toBeGreaterThan(1_000_000);
  // Cancels need no credit, so nothing but the bound holds them back.
  for (let i = 0; i < 8000 && a.stats.channels > 0; i++) {
    a.open().abort(new Error('x'.repeat(1000)));
    if (i % 100 === 0) await settle();
  }
  await settle();
  expect((await a.closed)?.message).toMatch(/away with \d+ bytes to say, the limit is 1048576 \(bufferBytes\)/);
  expect((await outcomes).some(({ status }) => status === 'rejected')).toBe(true);
  site.door.close();
  expect(site.clock.pending).toBe(0);
});

test('a listener that has forgotten the session says so, and the dialler gives up at once', async () => {
  const site = new Site();
  const a = await site.dial();
  const sender = a.open();
  await sender.send('x');
  const other = new Site();
  site.latest.break();
  site.door.accept = (carrier) => other.door.accept(carrier);
  await site.clock.advance(60);
  expect((await a.closed)?.message).toContain('no such session here');
  await expect(sender.closed).rejects.toMatchObject({ code: 'peer-gone' });
  site.door.close();
});

test('a session that aborts while it is away tells the listener', async () => {
  const site = new Site();
  const a = await site.dial();
  site.latest.break();
  await settle();
  a.abort();
  await until('the listener to hear', () => site.door.counts.resumable === 0);
  expect((await site.sessions[0]?.closed)?.message).toContain('gave the session up');
  await site.clock.advance(3000);
  expect(site.clock.pending).toBe(0);
});

test('a wrong token, a proof of another connection and a proof of the other side are refused, and the session goes on', async () => {
  const site = new Site();
  const a = await site.dial();
  const { id, token } = await rawDialler(site);
  expect(
    (
      await challenge(
        site,
        id,
        prover(
          id,
          token.map((byte) => byte ^ 1),
        ),
      )
    ).outcome,
  ).toMatchObject({ code: 'denied' });
  let replayed: Step | undefined;
  const mine = await challenge(site, id, async (theirs, own) => {
    replayed = await prover(id, token)(theirs, own);
    return replayed;
  });
  expect(mine.outcome.step).toBe('go-on');
  const before = site.sessions.length;
  const again = await challenge(site, id, () => Promise.resolve(replayed as Step));
  expect(again.outcome).toMatchObject({ step: 'refused', code: 'denied' });
  // The listener's own proof sent back.
  const link = await site.raw();
  link.say({ step: 'again', id, nonce: new Uint8Array(32) });
  const asked = await link.step(false);
  if (asked.step !== 'challenge') throw new Error(asked.step);
  link.say({ step: 'proof', received: 0, proof: asked.proof });
  expect(await link.step(true)).toMatchObject({ step: 'refused', code: 'denied' });
  expect(site.sessions.length).toBe(before);
  expect(site.door.counts).toMatchObject({ resumable: 2, away: 0 });
  await expectAlive(site.sessions[1] as Session);
  a.abort();
  site.door.close();
});

/** Nothing that happened so far has ended it. */
async function expectAlive(session: Session): Promise<void> {
  await settle();
  expect(await Promise.race([session.closed, Promise.resolve('alive')])).toBe('alive');
}

test('a connection of another identity, or of none, does not get the session', async () => {
  const site = new Site();
  site.peer = { identity: { user: 'ann', groups: ['a', 'b'] } };
  const a = await site.dial();
  const { id, token } = await rawDialler(site);
  for (const identity of [undefined, 'ann', { user: 'eve', groups: ['a', 'b'] }, { user: 'ann', groups: ['a'] }]) {
    site.peer = identity === undefined ? {} : { identity };
    const { outcome } = await challenge(site, id, prover(id, token));
    expect(outcome).toMatchObject({ code: 'denied', message: 'the session belongs to another identity' });
  }
  site.peer = { identity: { groups: ['a', 'b'], user: 'ann' } };
  expect((await challenge(site, id, prover(id, token))).outcome.step).toBe('go-on');
  a.abort();
  site.door.close();
});

test('the newer of two proven connections wins and the older is closed', async () => {
  const site = new Site();
  const { id, token } = await rawDialler(site);
  const [session] = site.sessions as [Session];
  const older = await challenge(site, id, prover(id, token));
  let olderEnded = false;
  older.link.handOver({ data: () => undefined, drained: () => undefined, closed: () => (olderEnded = true) });
  const newer = await challenge(site, id, prover(id, token));
  expect([older.outcome.step, newer.outcome.step]).toStrictEqual(['go-on', 'go-on']);
  await until('the older connection to end', () => olderEnded);
  expect(newer.link.open).toBe(true);
  await expectAlive(session);
  // A broken older connection is nothing to the session.
  expect(site.states.filter((state) => state === 'away')).toStrictEqual([]);
  session.abort();
});

test('a confirmation of bytes that were never sent ends the session with the reason, as does a GONE', async () => {
  for (const [segment, code, reason] of [
    [receivedSegment(100_000), 'protocol', /RECEIVED of 100000 bytes, \d+ were sent/],
    [Uint8Array.of(0x7f, 0, 0, 0), 'protocol', /unknown segment type 127/],
    [goneSegment('no more'), 'peer-gone', /the other side gave the session up: no more/],
  ] as const) {
    const site = new Site();
    const { link } = await rawDialler(site);
    link.carrier.write([segment], segment.length);
    const ended = await (site.sessions[0] as Session).closed;
    expect(ended).toMatchObject({ code });
    expect(ended?.message).toMatch(reason);
    await site.clock.advance(3000);
    expect(site.door.counts.resumable).toBe(0);
    expect(site.clock.pending).toBe(0);
  }
  const site = new Site();
  const { id, token } = await rawDialler(site);
  await challenge(site, id, prover(id, token, 5_000_000)).catch(() => undefined);
  expect((await site.sessions[0]?.closed)?.message).toMatch(/RECEIVED of 5000000 bytes/);
});

test('a connection that is taken up when all is said has its two seconds to end, and no more', async () => {
  const site = new Site();
  const { link, id, token } = await rawDialler(site);
  let received = 0;
  let ended = false;
  const reader = new SegmentReader({
    bytes(piece) {
      received += piece.length;
      return undefined;
    },
    received: () => undefined,
    end() {
      received++;
      ended = true;
      return undefined;
    },
    gone: () => undefined,
  });
  link.handOver({ data: (chunk) => void reader.receive(chunk), drained: () => undefined, closed: () => undefined });
  const end = endSegment();
  link.carrier.write([end], end.length);
  await until('its end', () => ended);
  site.latest.break();
  const { link: next, outcome } = await challenge(site, id, (own, other) => {
    // As a network has it: that one side ends does not close the connection.
    site.latest.far.end = () => undefined;
    return prover(id, token, received)(own, other);
  });
  expect(outcome.step).toBe('go-on');
  let closed = false;
  next.handOver({ data: () => undefined, drained: () => undefined, closed: () => (closed = true) });
  await site.clock.advance(1900);
  expect(closed).toBe(false);
  await site.clock.advance(200);
  expect(closed).toBe(true);
  expect(site.clock.pending).toBe(0);
});

test('what does not fit the handshake is refused, and the door goes on', async () => {
  const site = new Site();
  const nonce = new Uint8Array(32);
  const id = new Uint8Array(16);
  const first = async (...bytes: readonly Uint8Array[]): Promise<Step> => {
    const link = await site.raw();
    for (const part of bytes) link.carrier.write([part], part.length);
    return link.step(true);
  };
  const again = encodeStep({ step: 'again', id, nonce });
  expect(await first(again)).toMatchObject({ code: 'gone' });
  expect(await first(encodeStep({ step: 'proof', received: 0, proof: nonce }))).toMatchObject({ code: 'protocol' });
  expect(await first(Uint8Array.of(0x13, 0xff, 0xff, 0xff))).toMatchObject({ code: 'protocol' });
  expect(await first(Uint8Array.from([...again, 1]))).toMatchObject({ message: 'RESUME: bytes behind a step' });
  expect(site.sessions.length).toBe(0);
  await site.clock.advance(3000);
  expect(site.door.counts.handshakes).toBe(0);
});

test(
  'ten thousand resumes left half done: at most 1,024 are kept, and who means it gets in',
  { timeout: 600_000 },
  async () => {
    const site = new Site();
    const a = await site.dial();
    const { id } = await rawDialler(site);
    for (let i = 0; i < 10_000; i++) {
      const link = new CutPair();
      site.door.accept(link.far);
      link.near.start({ data: () => undefined, drained: () => undefined, closed: () => undefined });
      const bytes = encodeStep({ step: 'again', id, nonce: new Uint8Array(32) });
      link.near.write([bytes], bytes.length);
      expect(site.door.counts.handshakes).toBeLessThanOrEqual(1024);
      if (i % 500 === 0) await settle();
    }
    const sender = a.open<number>();
    await sender.send(7);
    const [b] = site.sessions as [Session];
    const { receiver } = await b.accept();
    site.pairs[0]?.break();
    await settle();
    await site.clock.advance(60);
    await until('the session to go on', () => site.states.at(-1) === 'connected');
    sender.close();
    expect(await collect(receiver)).toStrictEqual([7]);
    await site.clock.advance(10_000);
    // A proof may still be under way in another thread.
    await until('the handshakes to be over', () => site.door.counts.handshakes === 0);
    a.abort();
    site.door.close();
  },
);

test('at most 1,024 sessions are away at once; the one longest away is given up', async () => {
  const site = new Site();
  for (let i = 0; i < 1030; i++) {
    const { link } = await rawDialler(site);
    link.destroy();
  }
  await settle();
  expect(site.door.counts).toStrictEqual({ resumable: 1024, away: 1024, handshakes: 0 });
  expect((await site.sessions[0]?.closed)?.message).toContain('more than 1024 sessions are away');
  await site.clock.advance(30_000);
  expect(site.door.counts.resumable).toBe(0);
  expect(site.clock.pending).toBe(0);
});

test('closing the listener gives up what is away and drops what is no session yet', async () => {
  const site = new Site();
  const a = await site.dial();
  const [b] = site.sessions as [Session];
  const half = await site.raw();
  await settle();
  site.door.close();
  await until('the half-done connection to be dropped', () => !half.open);
  const sender = a.open<number>();
  const { receiver } = await b.accept();
  const serving = serve(receiver, (value) => Number(value) + 1);
  expect(await ask(sender, 1)).toBe(2);
  site.reachable = false;
  site.pairs[0]?.break();
  expect((await b.closed)?.message).toContain('the listener was closed');
  await expect(serving).rejects.toMatchObject({ code: 'peer-gone' });
  a.abort();
});

test('a session made by hand over a carrier that resumes nothing is what it was', async () => {
  const pair = new CutPair();
  const a = new ChannelSession(pair.near, 'dialler', quiet);
  const b = new ChannelSession(pair.far, 'listener', quiet);
  await settle();
  pair.break();
  expect(await Promise.all([a.closed, b.closed])).toMatchObject([{ code: 'peer-gone' }, { code: 'peer-gone' }]);
});
