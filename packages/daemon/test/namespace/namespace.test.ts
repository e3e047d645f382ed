import { requestLimits } from '@circuit/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { numbersFrom } from '../../src/namespace/numbers.js';
import type { TestClient } from '../support/request.js';
import { idA, idB, Rig } from '../support/rig.js';
import { memberOf } from '../support/stand-ins.js';

let rig: Rig;
let client: TestClient;
const root = `/${idA}`;

beforeEach(async () => {
  rig = await Rig.open({ limits: { maxElements: 3000 } });
  client = rig.client();
});
afterEach(() => rig.close());

const make = (path: string): Promise<{ element: number }> =>
  client.call('mkchan', { path: `${root}${path}`, capacity: 0 });
async function ls(path: string, more: object = {}): Promise<string[]> {
  return (await client.call('ls', { path, ...more })).entries.map((entry) => entry.path);
}

test('an anchor exists while it or a descendant holds an element', async () => {
  await make('/a/b/c');
  expect(await ls(root)).toEqual([`${root}/a`]);
  expect(await client.call('peek', { path: `${root}/a` })).toEqual({ kind: null, element: null, state: null });
  await client.call('scrub', { path: `${root}/a/b/c` });
  expect(await ls(root)).toEqual([]);
  await expect(client.call('peek', { path: `${root}/a` })).rejects.toMatchObject({ code: 'not-found' });
});

test('looking makes nothing', async () => {
  await expect(client.call('peek', { path: `${root}/x` })).rejects.toMatchObject({ code: 'not-found' });
  await expect(client.call('ls', { path: `${root}/x` })).rejects.toMatchObject({ code: 'not-found' });
  expect(await ls(root)).toEqual([]);
});

test('of many simultaneous makes exactly one wins', async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => make('/one')));
  const lost = results.filter((result) => result.status === 'rejected');
  expect(lost).toHaveLength(19);
  for (const { reason } of lost as { reason: unknown }[])
    expect(reason).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('anchor already has an element') as string,
    });
});

test('a handle to a replaced element hears gone or aborted, never the new element', async () => {
  const first = await make('/c');
  await client.call('scrub', { path: `${root}/c`, element: first.element });
  const second = await make('/c');
  expect(second.element).not.toBe(first.element);
  await expect(client.call('scrub', { path: `${root}/c`, element: first.element })).rejects.toMatchObject({
    code: 'aborted',
  });
  await expect(client.call('scrub', { path: `${root}/c`, element: 999_999 })).rejects.toMatchObject({ code: 'gone' });
  expect(await client.call('stat', { path: `${root}/c`, element: first.element })).toMatchObject({ Aborted: true });
  expect(await client.call('stat', { path: `${root}/c`, element: second.element })).toMatchObject({ Aborted: false });
});

test('listings are sorted, recursive, by pattern, and long', async () => {
  for (const path of ['/b/2', '/a', '/b', '/b-c', '/b/1/x']) await make(path);
  expect(await ls(root)).toEqual([`${root}/a`, `${root}/b`, `${root}/b-c`]);
  expect(await ls(`${root}/b`, { recursive: true })).toEqual([`${root}/b/1`, `${root}/b/1/x`, `${root}/b/2`]);
  expect(await ls(`${root}/b*`)).toEqual([`${root}/b`, `${root}/b-c`]);
  expect(await ls(`${root}/.../x`)).toEqual([`${root}/b/1/x`]);
  expect(await ls(`${root}/...`)).toEqual(['/a', '/b', '/b/1', '/b/1/x', '/b/2', '/b-c'].map((path) => root + path));
  expect(await ls(`/*`)).toEqual([root]);
  expect(await ls(`${root}/nothing*`)).toEqual([]);
  expect((await client.call('ls', { path: `${root}/b`, long: true })).entries).toEqual([
    { path: `${root}/b/1`, hasChildren: true },
    { path: `${root}/b/2`, hasChildren: false, kind: 'chan', element: 1 },
  ]);
});

test('the root lists the servers of the cluster', async () => {
  rig.cluster.others.set(idB, { member: memberOf(idB), session: client.session });
  expect(await ls('/')).toEqual([root, `/${idB}`]);
  expect(await ls('/', { after: root })).toEqual([`/${idB}`]);
});

test('pages come in order, whole, and at most as long as asked for', async () => {
  const names = Array.from({ length: 2500 }, (_, i) => `/n/${String(i).padStart(4, '0')}`);
  await Promise.all(names.map(make));
  const found: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await client.call('ls', { path: `${root}/...`, ...(after === undefined ? {} : { after }) });
    expect(page.entries.length).toBeLessThanOrEqual(requestLimits.page);
    found.push(...page.entries.map(({ path }) => path));
    after = page.next;
    pages++;
  } while (after !== undefined);
  expect(pages).toBe(3);
  expect(found).toEqual([`${root}/n`, ...names.map((name) => root + name)]);
});

test('elements are bounded', async () => {
  const results = await Promise.allSettled(Array.from({ length: 3001 }, (_, i) => make(`/${i}`)));
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'limit' }) as unknown },
  ]);
});

test('the server takes no other element and is not scrubbed', async () => {
  await expect(client.call('mkchan', { path: root, capacity: 0 })).rejects.toMatchObject({ code: 'invalid' });
  await expect(client.call('scrub', { path: root })).rejects.toMatchObject({ code: 'conflict' });
  await expect(client.call('mkchan', { path: `/${idB}/c`, capacity: 0 })).rejects.toMatchObject({ code: 'not-found' });
});

test('numbers are never given twice, also when a start crashed', () => {
  let kept: number | undefined;
  const store = { load: () => kept, save: (end: number) => void (kept = end) };
  const given = new Set<number>();
  for (let start = 0; start < 5; start++) {
    const next = numbersFrom(store);
    for (let i = 0; i < 100; i++) given.add(next());
  }
  expect(given.size).toBe(500);
});
