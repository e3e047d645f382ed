import type { Carrier, CarrierEvents } from '@circuit/channel';
import { ChannelSession, defaultLimits, type Role, type SessionOptions } from '@circuit/channel';
import { settle } from '@circuit/testkit';
import { encodeHello } from '../../src/session/hello.js';
import type { HomeName } from '../../src/session/hello-tail.js';
import { headerBytes } from '../../src/wire/frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import { ByteCursor, varintLength, writeVarint } from '../../src/wire/varint.js';

/** A carrier whose other side is the test itself. */
class ScriptedCarrier implements Carrier {
  readonly peer = { carrier: 'script', address: 'peer' };
  bufferedBytes = 0;
  readonly written: Uint8Array[] = [];
  ended = false;
  destroyed = false;
  events: CarrierEvents | undefined;

  schedule(run: () => void): void {
    queueMicrotask(run);
  }

  start(events: CarrierEvents): void {
    this.events = events;
    if (this.early !== undefined) events.data(this.early);
  }

  /** What has arrived before anybody listens. */
  early: Uint8Array | undefined;

  write(pieces: Uint8Array[], bytes: number): void {
    for (const piece of pieces) this.written.push(piece.slice());
    if (this.hold) this.bufferedBytes += bytes;
  }

  /** Whether nothing is taken from what is written. */
  hold = false;

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/** A frame as the test sees it. */
export interface Frame {
  readonly type: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** A session whose peer speaks bytes that the test chooses. */
export class RawPeer {
  readonly carrier: ScriptedCarrier = new ScriptedCarrier();
  readonly session: ChannelSession;
  #read = 0;

  constructor(role: Role = 'listener', options: SessionOptions = {}, early?: Uint8Array) {
    this.carrier.early = early;
    this.session = new ChannelSession(this.carrier, role, { keepAliveMs: 0, ...options });
  }

  /** Gives the session bytes, as one read, and lets it answer. */
  async feed(...parts: readonly Uint8Array[]): Promise<void> {
    this.carrier.events?.data(concat(parts));
    await settle();
  }

  /** All that the session has written since the last call, frame by frame. */
  async frames(): Promise<Frame[]> {
    await settle();
    const bytes = concat(this.carrier.written).subarray(this.#read);
    this.#read += bytes.length;
    return parseFrames(bytes);
  }

  /** The peer's connection ends. */
  hangUp(): void {
    this.carrier.events?.closed();
  }
}

export function parseFrames(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0) & 0xff_ffff;
    const cursor = new ByteCursor(bytes, at + headerBytes, at + headerBytes + length);
    frames.push({ type: bytes[at] ?? 0, id: cursor.varint(), payload: cursor.rest() });
    at += headerBytes + length;
  }
  return frames;
}

/** One frame; `length` may lie. */
export function frame(type: number, id: number, payload: Uint8Array | number[] = [], length?: number): Uint8Array {
  const body = Uint8Array.from(payload);
  const whole = varintLength(id) + body.length;
  const bytes = new Uint8Array(headerBytes + whole);
  new DataView(bytes.buffer).setUint32(0, (type << 24) | (length ?? whole));
  bytes[0] = type;
  bytes.set(body, writeVarint(bytes, headerBytes, id));
  return bytes;
}

export function hello(
  limits: Partial<typeof defaultLimits> = {},
  codecs = ['msgpack', 'json'],
  home?: HomeName,
): Uint8Array {
  return frame(frameType.hello, 0, encodeHello({ limits: { ...defaultLimits, ...limits }, codecs, home }));
}

/** A varint, then that many bytes. */
export function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...varint(bytes.length), ...bytes];
}

export function varint(value: number): number[] {
  const bytes = new Uint8Array(8);
  return [...bytes.subarray(0, writeVarint(bytes, 0, value))];
}

export function open(id: number, codec = 'msgpack', target = ''): Uint8Array {
  return frame(frameType.open, id, [...text(codec), ...text(target), 0]);
}

/** A DATA frame of one whole message. */
export function data(id: number, body: readonly number[], flags = 0, front: readonly number[] = []): Uint8Array {
  return frame(frameType.data, id, [flags, ...front, ...body]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function unhex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, 'hex'));
}
