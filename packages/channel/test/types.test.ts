import {
  type Case,
  type FailOver,
  type FanOutOptions,
  type Handler,
  type HubOptions,
  type OpenOptions,
  pipe,
  type Receiver,
  receiving,
  select,
  type SelectOptions,
  type Sender,
  sending,
  type SendOptions,
  serve,
  type ServeOptions,
  type Session,
  type SessionOptions,
} from '@circuit/channel';
import { keyAuth } from '@circuit/channel/auth';
import type { dial, listen } from '@circuit/channel/dial';
import type { dialHttp } from '@circuit/channel/http';
import type { listenHttp2 } from '@circuit/channel/http2';
import type { listenWorker } from '@circuit/channel/message-port';
import type { dialTcp, listenTcp } from '@circuit/channel/tcp';
import type { dialTls, listenTls } from '@circuit/channel/tls';
import type { dialUnix, listenUnix } from '@circuit/channel/unix';
import type { listenWebSocket, mountWebSocket } from '@circuit/channel/websocket-listener';
import { expect, expectTypeOf, test } from 'vitest';
import { resolveResume } from '../src/resume/options.js';

// What is expected of types is checked by the compiler (`tsc -b`).

test('a send with a return channel has the type of its answers, one without has none', async () => {
  const { sender, receiver } = pipe<number>(1);
  const answers = await sender.send<string>(1, { returns: true });
  expectTypeOf(answers).toEqualTypeOf<Receiver<string>>();
  receiver.cancel();
  const byAny = (to: FailOver<number>) => to.send<string>(1, { returns: true });
  expectTypeOf(byAny).returns.toEqualTypeOf<Promise<Receiver<string>>>();
  const unsaid = (to: Sender) => to.send(1, { returns: true });
  expectTypeOf(unsaid).returns.toEqualTypeOf<Promise<Receiver>>();
  const neither = [(to: Sender) => to.send(1), (to: Sender) => to.send(1, { returns: false, acknowledged: true })];
  expectTypeOf(neither).items.returns.toEqualTypeOf<Promise<void>>();
});

test('whether there is a return channel must be known when the program is compiled', async () => {
  const { sender, receiver } = pipe(1);
  const flag: boolean = Number('1') === 1;
  // @ts-expect-error: with a flag the result is a receiver or nothing
  const sent: unknown = await sender.send(1, { returns: flag });
  expect(sent).toHaveProperty('receive');
  receiver.cancel();
});

test('a select has the types of all its cases and of what is done otherwise', async () => {
  const numbers = pipe<number>(1);
  const one = await select([receiving(numbers.receiver, () => 1), sending(numbers.sender, 1, () => 'sent')]);
  expectTypeOf(one).toEqualTypeOf<number | string>();
  expect(one).toBe('sent');
  const value = await select([receiving(numbers.receiver, ({ value }) => value)], { otherwise: () => null });
  expectTypeOf(value).toEqualTypeOf<number | undefined | null>();
  const late = await select([receiving(numbers.receiver, () => 1)], { after: { ms: 0, use: () => new Date(0) } });
  expectTypeOf(late).toEqualTypeOf<number | Date>();
  const list: Case<number>[] = [receiving(numbers.receiver, () => 3)];
  const ofList = await select(list, { otherwise: () => 4 });
  expectTypeOf(ofList).toEqualTypeOf<number>();
  expect([value, late, ofList]).toStrictEqual([1, new Date(0), 4]);
});

test('a handler may give anything back, and says what it answers', async () => {
  const { sender, receiver } = pipe<number>(2);
  const answers = await sender.send<number>(1, { returns: true });
  const double: Handler<number, number> = (n, ret) => ret.trySend(n * 2);
  sender.close();
  await serve(receiver, double);
  expectTypeOf<Handler<number, string>>().parameter(1).toEqualTypeOf<Sender<string>>();
  expectTypeOf(serve<number>)
    .parameter(1)
    .toEqualTypeOf<Handler<number>>();
  expect((await answers.receive()).value).toBe(2);
});

/** `never` if all that may be absent from `O` may be `undefined` as well, else `O`. */
type Strict<O> = O extends object
  ? { [K in keyof O]: Pick<O, K> extends Required<Pick<O, K>> ? O[K] : undefined } extends O
    ? never
    : O
  : never;

test('every option may be undefined, which is as if it were absent', () => {
  expectTypeOf<{ target: string | undefined }>().toExtend<OpenOptions>();
  expectTypeOf<Parameters<Session['open']>>().toEqualTypeOf<[options?: OpenOptions | undefined]>();
  type First =
    | Parameters<typeof dialTcp>[0]
    | Parameters<typeof listenTcp>[0]
    | Parameters<typeof dialUnix>[0]
    | Parameters<typeof listenUnix>[0]
    | Parameters<typeof dialTls>[0]
    | Parameters<typeof listenTls>[0]
    | Parameters<typeof dialHttp>[0]
    | Parameters<typeof listenHttp2>[0]
    | Parameters<typeof listenWebSocket>[0];
  type Second = Parameters<typeof dial>[1] | Parameters<typeof listen>[1] | Parameters<typeof mountWebSocket>[1];
  type Others = OpenOptions | SendOptions | ServeOptions | SessionOptions | HubOptions | FanOutOptions | SelectOptions;
  expectTypeOf<Strict<First | Second | Others>>().toEqualTypeOf<never>();
  expectTypeOf<Strict<{ a?: number }>>().not.toEqualTypeOf<never>();
  expectTypeOf<{ session: undefined; name: undefined }>().toExtend<NonNullable<Parameters<typeof listenWorker>[2]>>();
  expect(resolveResume({ timeMs: undefined, bufferBytes: undefined })).toStrictEqual(resolveResume(true));
  expect(() => keyAuth({ keyFor: () => undefined, handshakeMs: undefined }).check('listener')).not.toThrow();
});
