import { isCircuitError } from '@circuit/base';
import { ChannelSession, memoryPair, type Receiver, type Sender } from '@circuit/channel';
import { ServerIdentity } from '@circuit/keys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Member, membershipTarget } from '../../src/index.js';
import { greet, type Greeted } from '../../src/mesh/handshake.js';
import { type MemberRecord, type SealedRecord, sealRecord } from '../../src/record.js';
import { type Node, Network } from './network.js';

let network: Network;
let node: Node;
let session: ChannelSession;
const identity = ServerIdentity.generate();

beforeEach(() => {
  network = new Network();
  node = network.add();
  const [near, far] = memoryPair('guest');
  session = new ChannelSession(near, 'dialler', { clock: network.clock });
  const listener = new ChannelSession(far, 'listener', { clock: network.clock });
  node.sessions.add(listener);
  node.serve(listener);
});

afterEach(async () => {
  session.abort();
  expect(await network.close()).toEqual({ sessions: 0, timers: 0 });
});

function record(changes: Partial<MemberRecord> = {}): MemberRecord {
  const member: Member = {
    id: identity.id,
    addr: 'circuit://10.0.0.9:1',
    name: 'guest',
    version: '1',
    dc: '',
    labels: {},
    joined: '2026-01-01T00:00:00.000Z',
    boot: '0123456789abcdef',
    incarnation: 1,
  };
  return { ...member, left: false, ...changes };
}

function introduce(sealed: SealedRecord, by = identity): Promise<Greeted> {
  return greet(session, { identity: by, record: sealed.record as MemberRecord, sealed, wants: () => true });
}

/** Hears beats until the channel fails. */
async function toItsEnd(input: Receiver): Promise<void> {
  while (!(await input.receive()).done);
}

/** Sends `first` as the first message and answers with the code that comes back. */
async function answerTo(first: unknown): Promise<string> {
  const out = session.open({ target: membershipTarget });
  const attempt = (async () => {
    const input = await out.send(first, { returns: true });
    const answer = await input.receive();
    return answer.done ? 'end' : 'answer';
  })();
  return network.settled(attempt.catch((error: unknown) => (isCircuitError(error) ? error.code : 'other')));
}

const sealed = sealRecord(identity, record());
const nonce = new Uint8Array(32);

test.each<[string, unknown]>([
  ['nothing', null],
  ['a number', 7],
  ['an unknown type', { type: 'hullo' }],
  ['another version', { type: 'hello', version: 2, record: sealed, nonce }],
  ['no record', { type: 'hello', version: 1, nonce }],
  ['a short nonce', { type: 'hello', version: 1, record: sealed, nonce: new Uint8Array(3) }],
  ['a proof first', { type: 'proof', signature: new Uint8Array(64) }],
  ['entries first', { type: 'entries', entries: [] }],
  ['a changed record', { type: 'hello', version: 1, record: { ...sealed, record: record({ name: 'else' }) }, nonce }],
  ['no signature', { type: 'hello', version: 1, record: { ...sealed, signature: undefined }, nonce }],
  [
    'the record of another id',
    { type: 'hello', version: 1, record: sealRecord(identity, record({ id: 'X0000000000000000' })), nonce },
  ],
  [
    'a huge incarnation',
    { type: 'hello', version: 1, record: sealRecord(identity, record({ incarnation: 2 ** 53 - 2 })), nonce },
  ],
  [
    'a large name',
    { type: 'hello', version: 1, record: sealRecord(identity, record({ name: 'x'.repeat(9000) })), nonce },
  ],
])('%s instead of a hello ends the channel with a protocol error', async (_what, first) => {
  expect(await answerTo(first)).toBe('protocol');
  expect(node.view).toBe(node.id);
});

test('a record shown by somebody without its key is denied', async () => {
  const thief = ServerIdentity.generate();
  const greeted = await network.settled(introduce(sealed, thief));
  await expect(network.settled(greeted.in.receive())).rejects.toSatisfy((error) => isCircuitError(error, 'denied'));
  expect(node.view).toBe(node.id);
});

test.each([
  ['the same', 7, 'answer'],
  ['another', 8, 'denied'],
])('with %s keying material at the two ends of a connection', async (_what, byte, outcome) => {
  const [near, far] = memoryPair('bound');
  for (const [carrier, fill] of [
    [near, 7],
    [far, byte],
  ] as const)
    Object.assign(carrier.peer, { exportKey: (_label: string, length: number) => new Uint8Array(length).fill(fill) });
  session.abort();
  session = new ChannelSession(near, 'dialler', { clock: network.clock });
  const listener = new ChannelSession(far, 'listener', { clock: network.clock });
  node.sessions.add(listener);
  node.serve(listener);
  const attempt = introduce(sealed).then(
    () => 'answer',
    (error: unknown) => (isCircuitError(error) ? error.code : 'other'),
  );
  expect(await network.settled(attempt)).toBe(outcome);
});

test('an introduction that is not finished is given up', async () => {
  const out = session.open({ target: membershipTarget });
  const input: Receiver = await network.settled(
    out.send({ type: 'hello', version: 1, record: sealed, nonce }, { returns: true }),
  );
  await network.settled(input.receive());
  await expect(network.settled(input.receive())).rejects.toSatisfy((error) => isCircuitError(error, 'timeout'));
});

test('a peer that introduces itself and says nothing is given up', async () => {
  const greeted = await network.settled(introduce(sealed));
  await network.settled(greeted.in.receive());
  await expect(network.settled(toItsEnd(greeted.in))).rejects.toSatisfy((error) => isCircuitError(error, 'timeout'));
  expect(node.told).toEqual([]);
});

test.each<[string, unknown]>([
  ['no list', { type: 'entries', entries: 7 }],
  ['too many entries', { type: 'entries', entries: Array.from({ length: 257 }, () => ({ ...sealed, dead: false })) }],
  ['an entry that does not say whether it is dead', { type: 'entries', entries: [sealed] }],
  ['a forged entry', { type: 'entries', entries: [{ ...sealed, record: record({ dc: 'mine' }), dead: false }] }],
  ['a second hello', { type: 'hello', version: 1, record: sealed, nonce }],
])('a linked peer that sends %s loses its channel, and nobody else is disturbed', async (_what, message) => {
  const other = network.add();
  other.join(node.address);
  await network.until('both', () => node.membership.members().length === 2);
  const greeted = await network.settled(introduce(sealed));
  const out: Sender = greeted.out;
  await network.settled(out.send({ type: 'entries', entries: [{ ...sealed, dead: false }] }));
  await network.until('the guest', () => node.membership.members().length === 3);
  await network.settled(out.send(message));
  const end = (async () => {
    while (!(await greeted.in.receive()).done);
  })();
  await expect(network.settled(end)).rejects.toSatisfy((error) => isCircuitError(error, 'protocol'));
  await network.until('the guest is gone', () => node.membership.members().length === 2);
  expect(node.membership.sessionTo(other.id)).toBeDefined();
});

test('a member cannot say that another left, and one called dead while it is linked stays', async () => {
  const other = network.add();
  other.join(node.address);
  await network.until('both', () => node.membership.members().length === 2);
  const greeted = await network.settled(introduce(sealed));
  const first = await network.settled(greeted.in.receive());
  const { entries } = first.value as { entries: (SealedRecord & { dead: boolean })[] };
  const theirs = entries.find((entry) => (entry.record as MemberRecord).id === other.id)!;
  await network.settled(
    greeted.out.send({
      type: 'entries',
      entries: [
        { ...sealed, dead: false },
        { ...theirs, dead: true },
      ],
    }),
  );
  await network.until('the contradiction', () =>
    node.membership
      .members()
      .some((m) => m.id === other.id && m.incarnation > (theirs.record as MemberRecord).incarnation),
  );
  expect(node.changes).not.toContain(`-${other.id}`);
});
