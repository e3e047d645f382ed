import { isCircuitError } from '@circuit/base';
import { ServerIdentity } from '@circuit/keys';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Node, Network } from './network.js';

let network: Network;

beforeEach(() => {
  network = new Network();
});

afterEach(async () => {
  expect(await network.close()).toEqual({ sessions: 0, timers: 0 });
});

async function cluster(size: number, joinVia: (index: number) => number = () => 0): Promise<readonly Node[]> {
  const nodes = Array.from({ length: size }, () => network.add());
  const joins = nodes.slice(1).map((node, i) => node.membership.join(nodes[joinVia(i + 1)]!.address));
  await network.until('a whole cluster', () => network.agree(nodes));
  await Promise.all(joins);
  return nodes;
}

test('a server alone sees itself', () => {
  const node = network.add();
  expect(node.membership.members()).toEqual([node.membership.self]);
  expect(node.events).toEqual([{ type: 'snapshot', members: [node.membership.self] }]);
  expect(node.membership.sessionTo(node.id)).toBeUndefined();
});

test('two servers join and have one session', async () => {
  const [a, b] = [network.add(), network.add()];
  const joined = b.membership.join(a.address);
  await network.until('both', () => network.agree());
  expect(await joined).toEqual({ changed: true, members: 2 });
  expect(a.changes).toEqual([`+${b.id}`]);
  expect(a.told).toEqual([b.id]);
  expect(b.told).toEqual([a.id]);
  expect(a.membership.sessionTo(b.id)?.peer.carrier).toBe('memory');
});

test.each([3, 5, 8])('%i servers that join at once through one see each other', async (size) => {
  await cluster(size);
});

test('servers that join in a chain, all at once, see each other', async () => {
  await cluster(8, (i) => i - 1);
});

test('two servers that join each other at once keep exactly one session', async () => {
  const [a, b] = [network.add(), network.add()];
  const joins = [a.membership.join(b.address), b.membership.join(a.address)];
  await network.until('both', () => network.agree());
  await Promise.all(joins);
  await network.clock.advance(60_000);
  expect(network.agree()).toBe(true);
  expect(a.changes).toEqual([`+${b.id}`]);
});

test('a session given by sessionTo carries other channels both ways', async () => {
  const [a, b] = (await cluster(2)) as [Node, Node];
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const sender = from.membership.sessionTo(to.id)!.open({ target: 'work' });
    await network.until('the channel', () => to.others.length === 1);
    expect(to.others[0]?.target).toBe('work');
    sender.close();
    expect(await to.others[0]!.receiver.receive()).toMatchObject({ done: true });
  }
});

test('joining is tried again until somebody listens', async () => {
  const a = network.add();
  const joined = a.membership.join('circuit://10.0.0.1:77');
  await network.clock.advance(60_000);
  const b = network.add(undefined, {}, 'circuit://10.0.0.1:77');
  await network.until('both', () => network.agree());
  expect(await joined).toEqual({ changed: true, members: 2 });
  expect(a.view).toBe(b.view);
});

test('joining stops when its signal fires', async () => {
  const a = network.add();
  const stop = new AbortController();
  const joined = a.membership.join('circuit://10.0.0.1:77', { signal: stop.signal });
  await network.clock.advance(10_000);
  stop.abort();
  await expect(joined).rejects.toSatisfy((error) => isCircuitError(error, 'cancelled'));
  expect(network.clock.pending).toBe(0);
});

test('joining the own cluster, or oneself, changes nothing', async () => {
  const [a, b] = (await cluster(2)) as [Node, Node];
  const before = a.events.length;
  const joins = [a.membership.join(b.address), a.membership.join(a.address)];
  expect(await network.settled(Promise.all(joins))).toEqual([
    { changed: false, members: 2 },
    { changed: false, members: 2 },
  ]);
  expect(a.events.length).toBe(before);
  await network.until('one session', () => network.agree());
});

test.each([
  0, 3, 7,
])('of 8 servers number %i is killed: the others agree on the same 7 at once and stay so', async (index) => {
  const nodes = await cluster(8);
  const victim = nodes[index]!;
  const { id } = victim;
  victim.kill();
  await network.until('7 of 8', () => network.agree(), 1000);
  await network.clock.advance(600_000);
  expect(network.agree()).toBe(true);
  for (const node of network.living)
    expect(node.changes.filter((change) => change.startsWith('-'))).toEqual([`-${id}`]);
});

test('a graceful leave is seen at once by all, as a leave', async () => {
  const nodes = await cluster(5);
  const [, leaver] = nodes as [Node, Node];
  const left = leaver.membership.leave();
  leaver.up = false;
  await network.until('4 of 5', () => network.agree(), 100);
  await left;
  for (const node of network.living)
    expect(node.events.at(-1)).toMatchObject({ type: 'leave', reason: 'left', member: { id: leaver.id } });
  await network.clock.advance(600_000);
  expect(network.agree()).toBe(true);
});

/** What the views of the others lost. */
const losses = (nodes: readonly Node[]): readonly string[] =>
  nodes.flatMap((node) => node.changes.filter((change) => change.startsWith('-')));

test('a server that is stopped for five seconds is not called dead, whatever becomes of its sessions', async () => {
  const [a, stopped, c] = (await cluster(3)) as [Node, Node, Node];
  stopped.stopped = true;
  for (const session of [...stopped.sessions]) session.abort();
  await network.clock.advance(5000);
  stopped.stopped = false;
  await network.until('all again', () => network.agree());
  expect(losses([a, c])).toEqual([]);
});

test('a server that stays stopped is gone after 6 to 9 seconds, and comes back when it goes on', async () => {
  const [a, stopped, c] = (await cluster(3)) as [Node, Node, Node];
  stopped.stopped = true;
  for (const session of [...stopped.sessions]) session.abort();
  await network.clock.advance(5900);
  expect(losses([a, c])).toEqual([]);
  await network.clock.advance(3100);
  expect(losses([a, c])).toEqual([`-${stopped.id}`, `-${stopped.id}`]);
  stopped.stopped = false;
  await network.until('all again', () => network.agree(), 15_000);
});

test('a host that falls silent: its sessions fail and it is gone after 6 to 9 seconds, on both sides', async () => {
  const nodes = await cluster(4);
  const [silent, ...others] = nodes as [Node, ...Node[]];
  await network.clock.advance(1234);
  network.silence([silent], others);
  const session = others[0]!.membership.sessionTo(silent.id)!;
  let over = false;
  void session.closed.then(() => (over = true));
  await network.clock.advance(4900);
  expect([losses(nodes), over]).toEqual([[], false]);
  await network.clock.advance(4100);
  expect(losses(others)).toEqual(others.map(() => `-${silent.id}`));
  expect([...losses([silent])].sort()).toEqual(others.map(({ id }) => `-${id}`).sort());
  const reason = await session.closed;
  expect(reason?.code).toBe('peer-gone');
  expect(reason?.message).toContain('no sign of life');
  network.heal();
  await network.until('whole', () => network.agree(), 15_000);
});

test('a quiet cluster keeps its links for ever', async () => {
  const nodes = await cluster(8);
  const before = nodes.map((node) => node.told.length);
  await network.clock.advance(600_000);
  expect(nodes.map((node) => node.told.length)).toEqual(before);
});

test.each(['killed', 'left'])('a server that was %s comes back with the same identity', async (how) => {
  const identity = ServerIdentity.generate();
  const [a, b] = (await cluster(2)) as [Node, Node];
  const first = network.add(identity);
  first.join(a.address);
  await network.until('three', () => network.agree());
  if (how === 'killed') first.kill();
  else {
    first.up = false;
    await first.membership.leave();
  }
  await network.until('two', () => network.agree());
  const again = network.add(identity);
  again.join(b.address);
  await network.until('three again', () => network.agree());
  expect(again.twins).toEqual([]);
  expect(a.changes).toEqual([`+${b.id}`, `+${identity.id}`, `-${identity.id}`, `+${identity.id}`]);
  await network.clock.advance(60_000);
  expect(network.agree()).toBe(true);
});

test('a server restarted before anybody noticed is told as lost and joined', async () => {
  const identity = ServerIdentity.generate();
  const a = network.add();
  const first = network.add(identity);
  first.join(a.address);
  await network.until('two', () => network.agree());
  first.kill();
  const again = network.add(identity, {}, first.address);
  await network.until('two again', () => network.agree());
  expect(a.changes).toEqual([`+${identity.id}`, `-${identity.id}`, `+${identity.id}`]);
  expect(again.view).toBe(a.view);
});

test('two clusters joined through any member become one', async () => {
  const left = await cluster(3);
  const right = Array.from({ length: 3 }, () => network.add());
  for (const node of right.slice(1)) node.join(right[0]!.address);
  await network.until('the second cluster', () => network.agree(right));
  const joined = left[2]!.membership.join(right[1]!.address);
  await network.until('one cluster', () => network.agree());
  expect(await joined).toMatchObject({ changed: true });
});

test('a cut network gives two clusters, which become one when it heals', async () => {
  const nodes = await cluster(6);
  const [left, right] = [nodes.slice(0, 2), nodes.slice(2)];
  network.cut(left, right);
  await network.until('two clusters', () => network.agree(left) && network.agree(right), 20_000);
  await network.clock.advance(120_000);
  network.heal();
  await network.until('one cluster', () => network.agree(), 15_000);
  await network.clock.advance(120_000);
  expect(network.agree()).toBe(true);
});

test('a member that one cannot reach but others can is contradicted, ever more rarely', async () => {
  const [a, b, c] = (await cluster(3)) as [Node, Node, Node];
  network.cut([a], [b]);
  await network.clock.advance(600_000);
  // c hears both all the time and is never misled.
  expect(c.changes.filter((change) => change.startsWith('-'))).toEqual([]);
  expect(a.changes.filter((change) => change === `-${b.id}`).length).toBeLessThan(9);
  network.heal();
  await network.until('whole', () => network.agree(), 15_000);
});

test('a change of the own record reaches all', async () => {
  const nodes = await cluster(4);
  nodes[2]!.membership.announce({ name: 'blue', labels: { rack: '7' } });
  await network.until('the news', () =>
    nodes.every((node) => node.membership.members().some((m) => m.name === 'blue' && m.labels.rack === '7')),
  );
  expect(nodes[0]!.events.at(-1)).toMatchObject({ type: 'update', member: { id: nodes[2]!.id, name: 'blue' } });
  expect(() => nodes[0]!.membership.announce({ name: 'x'.repeat(300) })).toThrow(/wrong name/);
});

test('two living servers with one key: the later one takes another, the earlier one notices nothing but its guest', async () => {
  const identity = ServerIdentity.generate();
  const nodes = await cluster(3);
  const first = network.add(identity);
  first.join(nodes[0]!.address);
  await network.until('four', () => network.agree());
  await network.clock.advance(5000);
  const twin = network.add(identity);
  twin.join(nodes[1]!.address);
  await network.until('five', () => network.agree());
  expect(twin.id).not.toBe(identity.id);
  expect(twin.twins).toMatchObject([{ id: identity.id, addr: first.address }]);
  expect(first.twins).toEqual([]);
  expect(first.id).toBe(identity.id);
  for (const node of nodes) expect(node.changes).not.toContain(`-${identity.id}`);
  expect(twin.events.at(-1)).not.toMatchObject({ type: 'leave' });
});

test('two servers with one key that join each other are told apart', async () => {
  const identity = ServerIdentity.generate();
  const first = network.add(identity);
  await network.clock.advance(10);
  const twin = network.add(identity);
  first.join(twin.address);
  await network.until('two', () => network.agree());
  expect([first.twins.length, twin.twins.length]).toEqual([0, 1]);
});

test('a ninth server is refused, and the eight stay as they are', async () => {
  const nodes = await cluster(8);
  const ninth = network.add();
  const joined = ninth.membership.join(nodes[3]!.address);
  await expect(network.settled(joined)).rejects.toSatisfy((error) => isCircuitError(error, 'limit'));
  await network.until('the eight', () => network.agree(nodes));
  expect(ninth.view).toBe(ninth.id);
  for (const node of nodes) expect(node.told).not.toContain(ninth.id);
});

test('what a listener throws disturbs nobody, and a watch that was ended hears nothing', async () => {
  const [a, b] = [network.add(), network.add()];
  const heard: string[] = [];
  a.membership.watch(() => {
    throw new Error('bad listener');
  });
  const stop = a.membership.watch((event) => heard.push(event.type));
  stop();
  b.join(a.address);
  await network.until('both', () => network.agree());
  expect(heard).toEqual(['snapshot']);
});

test('after close everything is refused with closed', async () => {
  const a = network.add();
  const pending = a.membership.join('circuit://10.0.0.1:77');
  pending.catch(() => {});
  await a.membership.close();
  await expect(pending).rejects.toSatisfy((error) => isCircuitError(error, 'closed'));
  await expect(a.membership.join('circuit://10.0.0.1:77')).rejects.toSatisfy((error) =>
    isCircuitError(error, 'closed'),
  );
  expect(() => a.membership.announce({ name: 'x' })).toThrow(/closed/);
  await a.membership.close();
});
