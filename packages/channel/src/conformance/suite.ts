import type { SessionOptions } from '../session/options.js';
import type { OpenOptions, Received, Receiver, Sender, Session } from '../types.js';

/** As much of a test runner's `test` as the suite uses. */
export interface TestFunction {
  (name: string, run: () => Promise<void>): void;
  skip(name: string, run: () => Promise<void>): void;
}

/** As much of an assertion as the suite uses. */
export interface Expectation {
  toBe(expected: unknown): void;
  toStrictEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toContain(expected: string): void;
  toBeLessThanOrEqual(expected: number): void;
  readonly rejects: { toMatchObject(expected: object): Promise<void> };
}

/** What is asked of a value; vitest's `expect` fits. */
export type Expect = (value: unknown, message?: string) => Expectation;

/** What the two sides of a pair are made with. */
export interface PairOptions {
  readonly a?: SessionOptions;
  readonly b?: SessionOptions;
}

/** Two sessions that talk to each other; `a` dialled. */
export interface Pair {
  readonly a: Session;
  readonly b: Session;
  /** Closes both sessions and whatever was opened to connect them. */
  close(): Promise<void>;
}

/** Makes two joined sessions over the transport under test. */
export type Connect = (options?: PairOptions) => Promise<Pair>;

/** What a row works with. Pairs made by `connect` are checked and closed when the row is over. */
export interface Bench {
  readonly expect: Expect;
  readonly connect: Connect;
}

/** One requirement that every transport has to meet. */
export interface Row {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

/** What the suite runs with: a runner's functions, and the transport under test. */
export interface ConformanceOptions {
  /** Stands in front of the names of the tests. */
  readonly transport: string;
  readonly test: TestFunction;
  readonly expect: Expect;
  readonly connect: Connect;
  /** Rows by name that this transport cannot meet, each with the reason; they are shown as skipped. */
  readonly notApplicable?: Readonly<Record<string, string>>;
}

/**
 * Registers one test per row. After each, both tables must be empty and nothing unread, and both sessions end within
 * the closing of the pair. Throws for a `notApplicable` name that is no row.
 */
export function runRows(
  rows: readonly Row[],
  { transport, test, expect, connect, notApplicable = {} }: ConformanceOptions,
): void {
  for (const row of rows) {
    const reason = notApplicable[row.name];
    const name = `${transport}: ${row.name}`;
    if (reason !== undefined) test.skip(`${name} (not applicable: ${reason})`, () => Promise.resolve());
    else test(name, () => runRow(row, expect, connect));
  }
  for (const name of Object.keys(notApplicable)) {
    if (!rows.some((row) => row.name === name)) throw new Error(`no row is named "${name}"`);
  }
}

async function runRow(row: Row, expect: Expect, connect: Connect): Promise<void> {
  const pairs: Pair[] = [];
  try {
    await row.run({
      expect,
      async connect(options) {
        const pair = await connect(options);
        pairs.push(pair);
        return pair;
      },
    });
    for (const { a, b } of pairs) {
      await eventually(
        'both tables to be empty',
        () => a.stats.channels + b.stats.channels === 0,
        () => JSON.stringify([a.stats, b.stats]),
      );
    }
  } finally {
    for (const pair of pairs) await pair.close();
  }
  for (const { a, b } of pairs) await Promise.all([a.closed, b.closed]);
}

/**
 * Three processes in a row: `left` talks to the middle, the middle talks to `right`. All may be one process in truth, which the right one
 * does not say: else what is for the left one would come home.
 */
export async function chain({
  connect,
}: Bench): Promise<{ left: Session; middle: [Session, Session]; right: Session }> {
  const first = await connect();
  const second = await connect({ b: { home: false } });
  return { left: first.a, middle: [first.b, second.a], right: second.b };
}

/** Opens a channel from one side and takes it on the other. */
export async function openChannel<T = unknown>(
  from: Session,
  to: Session,
  options?: OpenOptions,
): Promise<{ readonly sender: Sender<T>; readonly receiver: Receiver<T> }> {
  const sender = from.open<T>(options);
  const { receiver } = await to.accept();
  return { sender, receiver: receiver as Receiver<T> };
}

/** The next message; throws if the channel has ended. */
export async function take<T>(receiver: Receiver<T>): Promise<Received<T>> {
  const message = await receiver.receive();
  if (message.done) throw new Error('the channel ended, a message was expected');
  return message;
}

/** Everything up to the end. */
export async function collect<T>(receiver: Receiver<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of receiver) values.push(value);
  return values;
}

/** Answers every request with what `answer` makes of it, until the channel ends. */
export async function serve<T>(receiver: Receiver<T>, answer: (value: T) => unknown): Promise<void> {
  for (;;) {
    const message = await receiver.receive();
    if (message.done) return;
    const { value, ret } = message;
    void ret.send(answer(value)).then(() => ret.close());
  }
}

/** One request and its single answer. */
export async function ask<T>(sender: Sender<T>, value: T): Promise<unknown> {
  const answers = await sender.send(value, { returns: true });
  const { value: answer } = await take(answers);
  const end = await answers.receive();
  if (!end.done) throw new Error('more than one answer');
  return answer;
}

/** Waits for a state that nothing announces; the bound of 30 s is a hang guard. */
export async function eventually(what: string, predicate: () => boolean, state?: () => string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!predicate()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}: ${state?.() ?? ''}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
