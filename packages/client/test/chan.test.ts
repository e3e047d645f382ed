import { CircuitError } from '@circuit/base';
import { pipe, type Receiver } from '@circuit/channel';
import { type ByteSource, type Content, maxHeldBytes, type RecvAck } from '@circuit/protocol';
import { until } from '@circuit/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { open } from './open.js';
import { type Handlers, TestServer } from './test-server.js';

const clusters = open();
const cluster = (server: TestServer) => clusters.cluster(server);
afterEach(() => clusters.released());

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function read(content: Content): Promise<string> {
  if (content.type === 'value') return JSON.stringify(content.value);
  if (content.type === 'whole') return new TextDecoder().decode(content.bytes);
  let text = '';
  for await (const chunk of content.source) text += new TextDecoder().decode(chunk);
  return text;
}

/** A server whose channel takes every message at once. */
function taking(got: unknown[]): TestServer {
  return new TestServer('Xa', {
    send: async ({ content }, reply) => {
      await reply.event({ type: 'accepted', by: 'receiver' });
      const text = await read(content);
      got.push(text);
      return { outcome: 'acknowledged', bytes: text.length };
    },
  });
}

/** A server whose channel hands out `contents`, then is closed. */
function giving(contents: readonly (() => Content)[], acks: (RecvAck | undefined)[] = []): TestServer {
  const left = [...contents];
  const recv: Handlers['recv'] = async (_, reply) => {
    const next = left.shift();
    if (next === undefined) throw new CircuitError('closed', 'channel closed');
    const ack = await reply.ask({ type: 'message', content: next(), redelivered: false });
    acks.push(ack);
    return { bytes: ack?.type === 'acknowledged' ? ack.bytes : 0 };
  };
  return new TestServer('Xa', { recv });
}

const value = (given: unknown) => (): Content => ({ type: 'value', value: given });
const streamed = (text: string) => (): Content => ({
  type: 'bytes',
  source: new Blob([text]).stream() as unknown as ByteSource,
});

describe('sending', () => {
  test('tells values, bytes and streams apart', async () => {
    const got: unknown[] = [];
    const chan = (await cluster(taking(got))).walk('Xa/c').chan();
    await chan.send({ job: 1 });
    await chan.send('text is a value');
    expect(await chan.send(bytes('in one piece'))).toEqual({ outcome: 'acknowledged', bytes: 12 });
    await chan.send(new Blob(['a web stream']).stream());
    await chan.send(
      (async function* () {
        yield bytes('piece ');
        yield await Promise.resolve(bytes('by piece'));
      })(),
    );
    expect(got).toEqual(['{"job":1}', '"text is a value"', 'in one piece', 'a web stream', 'piece by piece']);
  });

  test('puts a short message into the request and streams a longer one', async () => {
    const got: unknown[] = [];
    const server = taking(got);
    const chan = (await cluster(server)).walk('Xa/c').chan();
    for (const length of [0, maxHeldBytes, maxHeldBytes + 1]) await chan.send(new Uint8Array(length));
    const types = server.heard.flatMap(({ verb, body }) =>
      verb === 'send' ? [(body as { content: Content }).content.type] : [],
    );
    expect(types).toEqual(['whole', 'whole', 'bytes']);
    expect(got.map((text) => (text as string).length)).toEqual([0, maxHeldBytes, maxHeldBytes + 1]);
  });

  test('moves the ends of channels in a value', async () => {
    const { sender, receiver } = pipe<string>(1);
    const server = new TestServer('Xa', {
      send: async ({ content }) => {
        const inner = (content as Content & { type: 'value' }).value as Receiver<string>;
        const first = await inner.receive();
        return { outcome: 'acknowledged', bytes: first.value === 'hello' ? 5 : 0 };
      },
    });
    const sending = (await cluster(server)).walk('Xa/c').chan().send(receiver);
    await sender.send('hello');
    sender.close();
    expect(await sending).toEqual({ outcome: 'acknowledged', bytes: 5 });
  });

  test('does not touch its input before the offer is accepted', async () => {
    let touched = false;
    const input = (function () {
      return (async function* () {
        touched = true;
        yield await Promise.resolve(bytes('x'));
      })();
    })();
    const server = new TestServer('Xa', {
      send: () => {
        throw new CircuitError('closed', 'channel closed');
      },
    });
    await expect((await cluster(server)).walk('Xa/c').chan().send(input)).rejects.toMatchObject({ code: 'closed' });
    expect(touched).toBe(false);
  });

  test('is broken off when the server fails it, also while the input is silent', async () => {
    const server = new TestServer('Xa', {
      send: async (_, reply) => {
        await reply.event({ type: 'accepted', by: 'receiver' });
        throw new CircuitError('aborted', 'scrubbed');
      },
    });
    const silent = (async function* () {
      await new Promise(() => undefined);
      yield bytes('never');
    })();
    await expect((await cluster(server)).walk('Xa/c').chan().send(silent)).rejects.toMatchObject({ code: 'aborted' });
  });

  test('of an input that fails makes the receiver fail', async () => {
    const got: unknown[] = [];
    const server = new TestServer('Xa', {
      send: async ({ content }, reply) => {
        await reply.event({ type: 'accepted', by: 'receiver' });
        got.push(await read(content).catch((error: unknown) => error));
        return { outcome: 'acknowledged', bytes: 0 };
      },
    });
    const failing = (async function* () {
      yield await Promise.resolve(bytes('half'));
      throw new Error('disk gone');
    })();
    await expect((await cluster(server)).walk('Xa/c').chan().send(failing)).rejects.toThrow('disk gone');
    await until('the content', () => got.length === 1);
    expect(got[0]).toBeInstanceOf(CircuitError);
  });

  test('in pieces waits for the match and closes with the outcome', async () => {
    const got: unknown[] = [];
    const stream = await (await cluster(taking(got))).walk('Xa/c').chan().openSend();
    const writer = stream.getWriter();
    await writer.write(bytes('one '));
    await writer.write(bytes('two'));
    await writer.close();
    expect(got).toEqual(['one two']);
  });

  test('in pieces can be aborted', async () => {
    const seen: unknown[] = [];
    const server = new TestServer('Xa', {
      send: async ({ content }, reply) => {
        await reply.event({ type: 'accepted', by: 'receiver' });
        seen.push(await read(content).catch((error: unknown) => error));
        throw new CircuitError('aborted', 'broken off');
      },
    });
    const stream = await (await cluster(server)).walk('Xa/c').chan().openSend();
    await stream.abort(new Error('changed my mind'));
    await until('the content', () => seen.length === 1);
    expect(seen[0]).toBeInstanceOf(CircuitError);
  });
});

describe('receiving', () => {
  test('acknowledges what it has read to the end', async () => {
    const acks: (RecvAck | undefined)[] = [];
    const chan = (await cluster(giving([value({ n: 1 }), streamed('some bytes')], acks))).walk('Xa/c').chan();
    expect(await chan.recv()).toEqual({ n: 1 });
    expect(new TextDecoder().decode((await chan.recv()) as Uint8Array)).toBe('some bytes');
    await expect(chan.recv()).rejects.toMatchObject({ code: 'closed' });
    expect(acks).toEqual([
      { type: 'acknowledged', bytes: 0 },
      { type: 'acknowledged', bytes: 10 },
    ]);
  });

  test('reads a message in one piece like any other', async () => {
    const acks: (RecvAck | undefined)[] = [];
    const whole = (text: string) => (): Content => ({ type: 'whole', bytes: bytes(text) });
    const chan = (await cluster(giving(['abc', '', 'dropped'].map(whole), acks))).walk('Xa/c').chan();
    const message = await chan.openRecv();
    expect([message.kind, message.held]).toEqual(['bytes', undefined]);
    let text = '';
    for await (const chunk of message) text += new TextDecoder().decode(chunk);
    expect([text, await chan.recv()]).toEqual(['abc', new Uint8Array(0)]);
    (await chan.openRecv()).cancel();
    await until('the answers', () => acks.length === 3);
    expect(acks).toEqual([{ type: 'acknowledged', bytes: 3 }, { type: 'acknowledged', bytes: 0 }, undefined]);
  });

  test('by iteration ends with the channel', async () => {
    const chan = (await cluster(giving([value(1), value(2), value(3)]))).walk('Xa/c').chan<number>();
    const got: number[] = [];
    for await (const n of chan) got.push(n);
    expect(got).toEqual([1, 2, 3]);
  });

  test('in pieces reads, then acknowledges', async () => {
    const acks: (RecvAck | undefined)[] = [];
    const chan = (await cluster(giving([streamed('abc')], acks))).walk('Xa/c').chan();
    const message = await chan.openRecv();
    expect(message.kind).toBe('bytes');
    let text = '';
    for await (const chunk of message) text += new TextDecoder().decode(chunk);
    expect(text).toBe('abc');
    expect(acks).toEqual([{ type: 'acknowledged', bytes: 3 }]);
  });

  test('can refuse a message, or drop it without a word', async () => {
    const acks: (RecvAck | undefined)[] = [];
    const chan = (await cluster(giving([value('a'), streamed('b')], acks))).walk('Xa/c').chan();
    await (await chan.openRecv()).refuse('not for me');
    (await chan.openRecv()).cancel();
    await until('the answers', () => acks.length === 2);
    expect(acks).toEqual([{ type: 'refused', reason: 'not for me' }, undefined]);
  });

  test('hears the failure of the sender, never a short message', async () => {
    const broken = (): Content => ({
      type: 'bytes',
      source: new ReadableStream({
        start: (controller) => {
          controller.enqueue(bytes('half'));
        },
        pull: (controller) => controller.error(new CircuitError('peer-gone', 'the sender died')),
      }) as unknown as ByteSource,
    });
    const acks: (RecvAck | undefined)[] = [];
    const chan = (await cluster(giving([broken], acks))).walk('Xa/c').chan();
    await expect(chan.recv()).rejects.toMatchObject({ code: 'peer-gone' });
    await until('the answer', () => acks.length === 1);
    expect(acks).toEqual([undefined]);
  });

  test('of more than fits into memory is refused with limit', async () => {
    const chan = (await cluster(giving([streamed('0123456789')]))).walk('Xa/c').chan();
    await expect(chan.recv({ maxBytes: 5 })).rejects.toMatchObject({ code: 'limit' });
  });
});
