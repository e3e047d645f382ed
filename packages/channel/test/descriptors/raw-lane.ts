import { constants } from 'node:os';
import { connect, type Socket } from 'node:net';
import { defaultLimits } from '@circuit/channel';
import { until } from '@circuit/testkit';
import { encodeLane, encodeNumber, newToken, tokenBytes } from '../../src/descriptors/lane-frame.js';
import { loadNative, type Native } from '../../src/native/native.js';
import { decodeHello, encodeHello } from '../../src/session/hello.js';
import { headerBytes } from '../../src/wire/frame.js';
import * as dataFlag from '../../src/wire/data-flag.js';
import * as frameType from '../../src/wire/frame-type.js';
import * as refKind from '../../src/wire/ref-kind.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { concat, data, type Frame, frame, open, parseFrames, varint } from '../support/raw-peer.js';

/** The native part, where `canPass()` was asked. */
export function native(): Native {
  const loaded = loadNative();
  if (loaded.native === undefined) throw new Error(loaded.missing);
  return loaded.native;
}

/** A session whose frames the test chooses. */
export class RawSession {
  readonly token: Uint8Array = newToken();
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  readonly hello: Uint8Array;
  #unparsed: Uint8Array = new Uint8Array(0);
  #nextId: number;

  constructor(socket: Socket, role: 'dialler' | 'listener' = 'dialler', greets = true) {
    this.socket = socket;
    this.#nextId = role === 'dialler' ? 1 : 2;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    const hello = { limits: defaultLimits, codecs: ['msgpack'], lane: this.token };
    this.hello = frame(frameType.hello, 0, encodeHello(hello));
    if (greets) this.say(this.hello);
  }

  static async dial(path: string): Promise<RawSession> {
    const socket = await connectTo(path);
    const session = new RawSession(socket);
    await session.heard(frameType.hello, 0);
    return session;
  }

  /** The token in the other side's HELLO. */
  get peerToken(): Uint8Array {
    const hello = this.frames.find(({ type }) => type === frameType.hello);
    if (hello === undefined) throw new Error('no HELLO yet');
    const { payload } = hello;
    const read = decodeHello(new ByteCursor(payload, 0, payload.length), defaultLimits);
    if (typeof read === 'string' || read.lane === undefined) throw new Error(`no lane: ${JSON.stringify(read)}`);
    return read.lane.slice();
  }

  say(...frames: readonly Uint8Array[]): void {
    this.socket.write(concat(frames));
  }

  /** Waits for a frame; GOAWAY has id 0. */
  async heard(type: number, id: number): Promise<Frame> {
    const find = (): Frame | undefined => this.frames.find((one) => one.type === type && one.id === id);
    await until(`frame ${type} of ${id}`, () => find() !== undefined);
    return find() as Frame;
  }

  /** A round trip: what was said before has been heard. */
  async ping(): Promise<void> {
    const pongs = (): number => this.frames.filter(({ type }) => type === frameType.pong).length;
    const before = pongs();
    this.say(frame(frameType.ping, 0));
    await until('a PONG', () => pongs() > before);
  }

  open(): number {
    const id = this.newId();
    this.say(open(id));
    return id;
  }

  newId(): number {
    this.#nextId += 2;
    return this.#nextId - 2;
  }

  /** A message that is a list of `count` descriptors; answers with their ids. */
  announce(channel: number, count = 1): number[] {
    const ids = Array.from({ length: count }, () => this.newId());
    const references = ids.flatMap((id) => [refKind.descriptor, ...varint(id)]);
    this.say(data(channel, listOfDescriptors(count), dataFlag.refs, [...varint(count), ...references]));
    return ids;
  }

  close(...ids: readonly number[]): void {
    this.say(...ids.map((id) => frame(frameType.close, id)));
  }

  /** The lane of a dialler's session, greeted. */
  async lane(path: string): Promise<RawLane> {
    const lane = RawLane.connect(path);
    lane.send(encodeLane(this.peerToken));
    const answer = await lane.read(tokenBytes);
    if (Buffer.compare(answer, this.token) !== 0) throw new Error('the listener answered with another token');
    return lane;
  }

  #take(chunk: Uint8Array): void {
    let bytes = concat([this.#unparsed, chunk]);
    while (bytes.length >= headerBytes) {
      const length = headerBytes + (new DataView(bytes.buffer).getUint32(0) & 0xff_ffff);
      if (bytes.length < length) break;
      this.frames.push(...parseFrames(bytes.slice(0, length)));
      bytes = bytes.slice(length);
    }
    this.#unparsed = bytes;
  }
}

/** A lane whose bytes and descriptors the test chooses. */
export class RawLane {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  static connect(path: string): RawLane {
    const fd = native().connect(path);
    if (fd < 0) throw new Error(`connect ${path}: ${fd}`);
    return new RawLane(fd);
  }

  /** Bytes written, or `-errno`. */
  send(bytes: Uint8Array, fd = -1): number {
    return native().send(this.fd, bytes, fd);
  }

  /** What the protocol says. */
  pass(id: number, fd: number): number {
    return this.send(encodeNumber(id), fd);
  }

  /** Passes `fd` under `id` until the kernel takes no more; answers how often. */
  flood(id: number, fd: number): number {
    for (let count = 0; ; count++) if (this.pass(id, fd) < 0) return count;
  }

  /** Bytes, at most `room`; none when the other side has hung up, `undefined` when there is nothing yet. Closes descriptors that come along. */
  tryRead(room: number): Uint8Array | undefined {
    const bytes = new Uint8Array(room);
    const [got, , ...fds] = native().receive(this.fd, bytes);
    for (const fd of fds) native().close(fd);
    return got === -constants.errno.EAGAIN ? undefined : bytes.subarray(0, Math.max(0, got));
  }

  async read(room: number): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    await until('bytes on the lane', () => {
      bytes = this.tryRead(room);
      return bytes !== undefined;
    });
    return bytes as Uint8Array;
  }

  /** Resolves when the other side has hung up. */
  async hungUp(): Promise<void> {
    await until('the lane to be hung up', async () => (await this.read(64)).length === 0);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    native().close(this.fd);
  }
}

export async function connectTo(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** MessagePack of a list of tags 10, each around tag 0. */
function listOfDescriptors(count: number): number[] {
  const items = Array.from({ length: count }, (_, i) => {
    const reference = [0xc7, 3, 0, 0xcd, i >> 8, i & 0xff];
    return [0xc7, reference.length, 10, ...reference];
  });
  return [0xdc, count >> 8, count & 0xff, ...items.flat()];
}
