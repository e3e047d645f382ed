import { closeSync } from 'node:fs';
import type { Receiver } from '@circuit/channel';
import { ask } from '@circuit/channel/conformance';
import { type Descriptor, descriptorOf, openStream, takeDescriptor } from '@circuit/channel/descriptors';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Program } from './program.js';
import { canPass, readAll } from './unix-pair.js';
import { Victim } from './victim.js';

interface Sent {
  readonly round: number;
  readonly name: string;
  readonly at?: Descriptor;
}

describe.skipIf(!canPass())('between processes', () => {
  let victim: Victim;
  let programs: Program[];

  beforeAll(() => Program.prepare());

  beforeEach(async () => {
    victim = await Victim.listen({ session: { limits: { windowBytes: 131_072 } } });
    programs = [];
  });

  afterEach(async () => {
    await Promise.all(programs.map((program) => program.kill()));
    await victim.unharmed();
  });

  async function start(fixture: string, args: readonly unknown[], maxFds?: number): Promise<Program> {
    const limit = maxFds === undefined ? {} : { maxFds };
    const program = await Program.start(fixture, { args: args.map(String), ...limit });
    programs.push(program);
    return program;
  }

  async function firstChannel(): Promise<Receiver<Sent>> {
    const session = await victim.next();
    return (await session.accept()).receiver as Receiver<Sent>;
  }

  async function expectSeconds(receiver: Receiver<Sent>, rounds: number): Promise<void> {
    let count = 0;
    for await (const { round, name, at } of receiver) {
      expect([round, name]).toStrictEqual([Math.floor(count / 3), ['first', 'second', 'third'][count % 3]]);
      count++;
      expect(at !== undefined, name).toBe(name === 'second');
      if (at === undefined) continue;
      expect(at.passed).toBe(true);
      expect(await readAll(await openStream(at))).toBe('0123456789');
      at.cancel();
    }
    expect(count).toBe(3 * rounds);
  }

  test.each([
    ['small, all at once', 200, 10, 'sent'],
    ['under the pressure of credit', 40, 50_000, 'waits for credit'],
  ])('of three messages exactly the second has the descriptor: %s', async (_what, rounds, bytes, said) => {
    const sender = await start('descriptor-sender.ts', [victim.path, victim.file, rounds, bytes]);
    const receiver = await firstChannel();
    expect(await sender.line()).toBe(said);
    await expectSeconds(receiver, rounds);
    expect(await sender.ended()).toBe(0);
  });

  test('and through a relay, under the pressure of credit', async () => {
    const path = `${victim.path}-relay`;
    const relay = await start('descriptor-relay.ts', [path, victim.path]);
    expect(await relay.line()).toBe('listening');
    const sender = await start('descriptor-sender.ts', [path, victim.file, 40, 50_000]);
    const receiver = await firstChannel();
    expect(await sender.line()).toBe('waits for credit');
    await expectSeconds(receiver, 40);
    expect(await sender.ended()).toBe(0);
  });

  test('a sender that is killed with descriptors under way: each of them is here, or fails and says why', async () => {
    const sender = await start('descriptor-sender.ts', [victim.path, victim.file, 500, 10]);
    const session = await victim.next();
    const { receiver } = await session.accept();
    const descriptors: Descriptor[] = [];
    while (descriptors.length < 200) {
      const { value } = (await receiver.receive()) as { value: Sent };
      if (value.at !== undefined) descriptors.push(value.at);
    }
    // They come in order, and 64 are held.
    closeSync(await takeDescriptor(descriptors.splice(63, 1)[0] as Descriptor));
    await sender.kill();
    expect(await session.closed).toMatchObject({ code: 'peer-gone' });
    let here = 0;
    for (const descriptor of descriptors) {
      const outcome = await takeDescriptor(descriptor).catch((error: unknown) => error);
      if (typeof outcome === 'number') {
        here++;
        closeSync(outcome);
      } else expect(outcome).toMatchObject({ code: 'peer-gone' });
    }
    expect(here).toBeGreaterThanOrEqual(63);
  });

  test('a receiver that may open no more files tells so of each descriptor, lives, and takes others later', async () => {
    const taker = await start('descriptor-taker.ts', [victim.path], 60);
    expect(await taker.line()).toBe('passes descriptors');
    const sender = (await victim.next()).open<object>();
    const files = (count: number): Descriptor[] => Array.from({ length: count }, () => descriptorOf(victim.openFile()));
    const outcomes = (await ask(sender, { what: 'take', descriptors: files(200) })) as string[];
    const here = outcomes.filter((outcome) => outcome === 'here').length;
    expect(here).toBeGreaterThan(5);
    expect(here).toBeLessThan(60);
    expect(new Set(outcomes.slice(here))).toStrictEqual(
      new Set(['limit: a descriptor was cut off: this process may open no more files']),
    );
    expect(await ask(sender, { what: 'close' })).toBe(here);
    expect(await ask(sender, { what: 'take', descriptors: files(3) })).toStrictEqual(['here', 'here', 'here']);
    sender.close();
    expect(await taker.ended()).toBe(0);
  });
});
