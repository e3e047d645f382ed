import { type ElementKind, isElementKind } from '@circuit/protocol';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import type { TestClient } from '../support/request.js';
import { idA, type Rig } from '../support/rig.js';

/** How the suite makes and waits for an element of one kind. */
export interface KindUnderTest {
  readonly kind: ElementKind;
  /** Opens a server on which the kind can be made. */
  readonly open: () => Promise<{ readonly rig: Rig; readonly close: () => Promise<void> }>;
  readonly make: (client: TestClient, path: string) => Promise<{ readonly element: number }>;
  /** Begins something at the element that does not end by itself; the result gives it up. */
  readonly wait: (client: TestClient, path: string) => { readonly result: Promise<unknown>; giveUp(): void };
}

/** What an element of every kind that can be made does. */
export function elementConformance({ kind, open, make, wait }: KindUnderTest): void {
  const path = `/${idA}/a/element`;

  async function withServer(run: (client: TestClient, rig: Rig) => Promise<void>): Promise<void> {
    const { rig, close } = await open();
    try {
      await run(rig.client(), rig);
    } finally {
      await close();
    }
  }

  test(`${kind}: it is listed and peeked at under its kind and number`, () =>
    withServer(async (client) => {
      const { element } = await make(client, path);
      const { entries } = await client.call('ls', { path: `/${idA}/a`, long: true });
      expect(entries).toEqual([{ path, hasChildren: false, kind, element }]);
      const peeked = await client.call('peek', { path });
      expect(peeked).toMatchObject({ kind, element });
      expect(isElementKind(peeked.kind)).toBe(true);
      expect(JSON.parse(JSON.stringify(peeked.state))).toEqual(peeked.state);
    }));

  test(`${kind}: a second one at its anchor is a conflict and changes nothing`, () =>
    withServer(async (client) => {
      const { element } = await make(client, path);
      await expect(make(client, path)).rejects.toMatchObject({ code: 'conflict' });
      expect(await client.call('peek', { path })).toMatchObject({ element });
    }));

  test(`${kind}: an element above and below it is another`, () =>
    withServer(async (client) => {
      await make(client, path);
      await make(client, `/${idA}/a`);
      await make(client, `${path}/below`);
      expect((await client.call('ls', { path: `/${idA}/...` })).entries).toHaveLength(3);
      await client.call('scrub', { path });
      expect((await client.call('ls', { path: `/${idA}/...` })).entries).toHaveLength(3);
      expect(await client.call('peek', { path })).toEqual({ kind: null, element: null, state: null });
    }));

  test(`${kind}: scrub empties the anchor, aborts who waits, and a new one has a higher number`, () =>
    withServer(async (client) => {
      const first = await make(client, path);
      const waiting = wait(client, path);
      await until('it waits', () => client.session.stats.channels > 1);
      expect(await client.call('scrub', { path, kill: true })).toEqual({ kind });
      await expect(waiting.result).rejects.toMatchObject({ code: 'aborted' });
      await expect(client.call('peek', { path })).rejects.toMatchObject({ code: 'not-found' });
      await expect(client.call('scrub', { path })).rejects.toMatchObject({ code: 'not-found' });
      const second = await make(client, path);
      expect(second.element).toBeGreaterThan(first.element);
      await expect(client.call('peek', { path, element: first.element })).rejects.toMatchObject({
        code: expect.stringMatching(/^(gone|aborted)$/) as string,
      });
    }));

  test(`${kind}: who gives up, or loses the session, leaves nothing behind`, () =>
    withServer(async (client, rig) => {
      await make(client, path);
      const waiting = wait(client, path);
      await until('it waits', () => client.session.stats.channels > 1);
      waiting.giveUp();
      await until('it is withdrawn', () => client.session.stats.channels === 1);
      const other = rig.client();
      const lost = wait(other, path);
      await until('it waits', () => other.session.stats.channels > 1);
      other.session.abort();
      await expect(lost.result).rejects.toMatchObject({ code: 'aborted' });
      expect(await client.call('scrub', { path, kill: true })).toEqual({ kind });
    }));

  test(`${kind}: a key that may only look makes and scrubs none`, () =>
    withServer(async (client, rig) => {
      const reader = rig.client('read');
      await expect(make(reader, path)).rejects.toMatchObject({ code: 'denied' });
      await make(client, path);
      expect(await reader.call('peek', { path })).toMatchObject({ kind });
      await expect(reader.call('scrub', { path })).rejects.toMatchObject({ code: 'denied' });
    }));

  test(`${kind}: who waits hears when the server ends`, async () => {
    const { rig, close } = await open();
    const client = rig.client();
    await make(client, path);
    const waiting = wait(client, path);
    const ended = waiting.result.then(
      () => 'answered',
      () => 'failed',
    );
    await until('it waits', () => client.session.stats.channels > 1);
    await close();
    expect(await ended).toBe('failed');
  });
}
