import { channelConformance, conformanceRows, runRows } from '@circuit/channel/conformance';
import { expect, test } from 'vitest';
import { connectMemory } from '../support/transports.js';

interface Registered {
  readonly names: string[];
  readonly skipped: string[];
}

/** A runner that only notes what it is given. */
function register(notApplicable?: Record<string, string>): Registered {
  const [names, skipped]: [string[], string[]] = [[], []];
  const note = (name: string): void => void names.push(name);
  const runner = Object.assign(note, { skip: (name: string): void => void skipped.push(name) });
  channelConformance({
    transport: 'pigeon',
    test: runner,
    expect,
    connect: connectMemory,
    ...(notApplicable === undefined ? {} : { notApplicable }),
  });
  return { names, skipped };
}

test('every row has a name of its own and becomes one test of the transport', () => {
  const { names } = register();
  expect(new Set(names).size).toBe(conformanceRows.length);
  expect(names.every((name) => name.startsWith('pigeon: '))).toBe(true);
});

test('a row that is not applicable is shown with its reason, and must exist', () => {
  const name = conformanceRows[0]?.name ?? '';
  const { names, skipped } = register({ [name]: 'pigeons carry one letter' });
  expect(names.length).toBe(conformanceRows.length - 1);
  expect(skipped).toStrictEqual([`pigeon: ${name} (not applicable: pigeons carry one letter)`]);
  expect(() => register({ 'no such row': 'x' })).toThrow(/no row is named "no such row"/);
});

test('a row that leaves a channel open fails, and its pair is closed all the same', async () => {
  const runs: (() => Promise<void>)[] = [];
  const runner = Object.assign((_name: string, run: () => Promise<void>): void => void runs.push(run), {
    skip: (): void => undefined,
  });
  let closed = 0;
  const connect = async (): ReturnType<typeof connectMemory> => {
    const pair = await connectMemory();
    return { ...pair, close: () => (closed++, pair.close()) };
  };
  const row = {
    name: 'leaky',
    async run(bench: { connect: typeof connect }): Promise<void> {
      const { a, b } = await bench.connect();
      a.open();
      await b.accept();
      throw new Error('left in the middle');
    },
  };
  runRows([row], { transport: 'memory', test: runner, expect, connect });
  await expect(runs[0]?.()).rejects.toThrow('left in the middle');
  expect(closed).toBe(1);
});
