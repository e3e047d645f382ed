import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket as NodeSocket } from 'node:net';
import { until } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { ReadMemory, takeOver } from '../../src/carriers/socket/read-memory.js';
import { checkNothingOpen } from '../support/nothing-open.js';

checkNothingOpen();

/** Reads as a socket does: into what `onread` names, as much as fits. */
class Socket {
  readonly memory: Uint8Array;
  readonly #read: ReadMemory;
  #value = 0;

  constructor(read: ReadMemory) {
    const { buffer } = read.options.onread;
    // Memory that Node asks for behind each read is lost when that read ends in an uncaught exception.
    if (typeof buffer === 'function') throw new Error('other memory for each read');
    this.memory = buffer;
    this.#read = read;
  }

  /** Each byte of a read is the number of the read. */
  read(bytes: number): void {
    const { memory } = this;
    const count = Math.min(bytes, memory.length);
    memory.fill(++this.#value & 0xff, 0, count);
    expect(this.#read.options.onread.callback(count, memory)).toBe(true);
  }
}

test('all sockets read into the same memory, which is given to nobody', () => {
  const memories = new Set<ArrayBufferLike>();
  for (let i = 0; i < 3; i++) {
    const read = new ReadMemory();
    const seen: { readonly chunk: Uint8Array; readonly own: boolean }[] = [];
    read.start((chunk, own) => void seen.push({ chunk, own }));
    const socket = new Socket(read);
    for (const bytes of [1, 8192, 70_000]) socket.read(bytes);
    expect(seen.map(({ chunk }) => chunk.length)).toStrictEqual([1, 8192, 65_536]);
    expect(seen.map(({ own }) => own)).toStrictEqual([false, false, false]);
    for (const { chunk } of seen) memories.add(chunk.buffer);
    memories.add(socket.memory.buffer);
  }
  expect(memories.size).toBe(1);
});

test('what arrives before somebody takes it is a copy, which is given away', () => {
  const read = new ReadMemory();
  const socket = new Socket(read);
  for (const bytes of [10, 65_536, 3]) socket.read(bytes);
  const early: Uint8Array[] = [];
  read.start((chunk, own) => {
    expect(own).toBe(true);
    early.push(chunk);
  });
  // Each byte of a read is the number of the read.
  expect(early.map((chunk) => [chunk.length, new Set(chunk)])).toStrictEqual([
    [10, new Set([1])],
    [65_536, new Set([2])],
    [3, new Set([3])],
  ]);
  expect(early.every(({ buffer }) => buffer !== socket.memory.buffer)).toBe(true);
});

test('an accepted connection goes over to a socket that reads so, and its server counts it no more', async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  client.write('written at once');
  const [incoming] = (await once(server, 'connection')) as [NodeSocket];
  const { remotePort } = incoming;
  const { socket, memory } = takeOver(incoming);
  expect(memory).toBeDefined();
  expect(socket).not.toBe(incoming);
  expect(socket.remotePort).toBe(remotePort);
  let heard = '';
  memory?.start((chunk, own) => {
    heard += Buffer.from(chunk).toString();
    expect(own || chunk.buffer === new Socket(new ReadMemory()).memory.buffer).toBe(true);
  });
  const ended = once(socket, 'end');
  client.end(', and the end');
  await ended;
  expect(heard).toBe('written at once, and the end');
  const back = once(client, 'data');
  socket.end('still open this way');
  expect(String((await back)[0])).toBe('still open this way');
  await once(server.close(), 'close');
  await until('both to be closed', () => socket.destroyed && client.destroyed);
});

test('a connection that is over when it is accepted, or has no handle of Node, stays as it is', () => {
  const over = new NodeSocket();
  expect(takeOver(over)).toStrictEqual({ socket: over });
  over.destroy();
});
