import { type Random, randomInt } from '@circuit/base';
import { headerBytes } from '../../src/wire/frame.js';
import * as frameType from '../../src/wire/frame-type.js';
import { ByteCursor } from '../../src/wire/varint.js';
import { concat, data, frame, hello, open, text, varint } from '../support/raw-peer.js';

/** The whole frames of a conversation, each as its bytes. */
export function cutFrames(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const length = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    frames.push(bytes.slice(at, at + headerBytes + length));
    at += headerBytes + length;
  }
  return frames;
}

const numbers = [0, 1, 2, 31, 32, 127, 128, 255, 65_536, 131_072, 262_144, 16_777_216, 2 ** 31, 2 ** 53 - 1];
const types = [...Object.values(frameType), 0, 0x0f, 0x12, 0x7f, 0x80, 0xff];

/** Changes conversations: frames are dropped, doubled, swapped, taken from another one, made anew, their bytes and bits changed. */
export class Mutator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  mutate(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const frames = cutFrames(bytes);
    const others = cutFrames(other);
    for (let changes = 1 + this.#pick(6); changes > 0; changes--) this.#change(frames, others);
    const whole = concat(frames);
    for (let flips = this.#pick(4); flips > 1; flips--) this.#flip(whole);
    return this.#pick(8) === 0 ? whole.subarray(0, this.#pick(whole.length + 1)) : whole;
  }

  /** Cuts what is fed into reads. */
  reads(bytes: Uint8Array): Uint8Array[] {
    const places = Array.from({ length: this.#pick(5) }, () => this.#pick(bytes.length + 1)).sort((x, y) => x - y);
    const bounds = [0, ...places, bytes.length];
    return bounds.slice(1).map((end, i) => bytes.slice(bounds[i], end));
  }

  #pick(sides: number): number {
    return randomInt(this.#random, sides);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#pick(list.length)] as T;
  }

  #change(frames: Uint8Array[], others: readonly Uint8Array[]): void {
    const at = this.#pick(frames.length + 1);
    const here = frames[at];
    switch (this.#pick(8)) {
      case 0:
        frames.splice(at, 1 + this.#pick(3));
        break;
      case 1:
        if (here !== undefined)
          frames.splice(this.#pick(frames.length), 0, ...Array<Uint8Array>(1 + this.#pick(40)).fill(here));
        break;
      case 2:
        if (here !== undefined) frames.splice(this.#pick(frames.length), 0, ...frames.splice(at, 1));
        break;
      case 3:
        frames.splice(at, this.#pick(3), ...others.slice(this.#pick(others.length)).slice(0, 1 + this.#pick(8)));
        break;
      case 4:
      case 5:
        frames.splice(at, this.#pick(2), ...this.#made());
        break;
      case 6:
        if (here !== undefined) frames[at] = this.#altered(here);
        break;
      default:
        if (here !== undefined) this.#flip((frames[at] = here.slice()));
    }
  }

  #flip(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const at = this.#pick(Math.min(bytes.length, this.#pick(2) === 0 ? 12 : bytes.length));
    bytes[at] = this.#pick(2) === 0 ? (bytes[at] ?? 0) ^ (1 << this.#pick(8)) : this.#pick(256);
  }

  /** The same frame with another type or id. */
  #altered(bytes: Uint8Array): Uint8Array {
    if (bytes.length <= headerBytes) return bytes;
    const cursor = new ByteCursor(bytes, headerBytes, bytes.length);
    const id = cursor.varint();
    const type = this.#pick(2) === 0 ? this.#one(types) : (bytes[0] ?? 0);
    return frame(type, this.#pick(3) === 0 ? id : this.#id(), cursor.rest());
  }

  #id(): number {
    return this.#pick(12) === 0 ? this.#one(numbers) : this.#pick(24);
  }

  #number(): number[] {
    return varint(this.#pick(3) === 0 ? this.#one(numbers) : this.#pick(300));
  }

  #noise(length: number): number[] {
    return Array.from({ length: this.#pick(length) }, () => this.#pick(256));
  }

  /** Frames that are right, or nearly. */
  #made(): Uint8Array[] {
    const id = this.#id();
    const reason = [...text('aborted'), ...text('m'.repeat(this.#pick(1200))), ...text('')];
    switch (this.#pick(13)) {
      case 0:
        return [open(id, this.#one(['msgpack', 'json', 'cbor']), 'x'.repeat(this.#pick(1100)))];
      case 1:
        return Array.from({ length: this.#pick(100) }, (_none, i) =>
          concat([open(id + 2 * i), frame(frameType.close, id + 2 * i)]),
        );
      case 2:
        return [frame(frameType.credit, id, this.#number())];
      case 3:
        return [frame(this.#one([frameType.close, frameType.done, frameType.drop]), id)];
      case 4:
        return [frame(this.#one([frameType.abort, frameType.cancel, frameType.goaway]), id, reason)];
      case 5:
        return [frame(frameType.ack, id, this.#number())];
      case 6: {
        const ref = this.#id();
        const refs = Array.from({ length: 1 + this.#pick(6) }, (_none, i) => [this.#pick(7), ...varint(ref + 2 * i)]);
        const body = [0x90 + refs.length, ...refs.flatMap((_ref, i) => [0xd4, 0, i])];
        return [data(id, body, 2 + 4 * this.#pick(2) + 8 * this.#pick(2), [...varint(refs.length), ...refs.flat()])];
      }
      case 7:
        return Array.from({ length: 1 + this.#pick(4) }, (_none, i) =>
          data(id, this.#noise(200), i === 0 ? 1 : this.#pick(2), i === 0 ? this.#number() : []),
        );
      case 8:
        return [frame(frameType.bytes, id, new Uint8Array(this.#pick(65_600)))];
      case 9:
        return [
          frame(this.#one(types), id, this.#noise(80), this.#pick(3) === 0 ? this.#one(numbers) % 2 ** 24 : undefined),
        ];
      case 10: {
        const ref = this.#id();
        const kind = 1 + this.#pick(4);
        const announced = data(id, [0x91, 0xd4, 0, 0], 2, [1, kind, ...varint(ref)]);
        return [frame(frameType.home, ref, varint(this.#id())), ...(this.#pick(4) === 0 ? [] : [announced])];
      }
      case 11:
        return [frame(frameType.ping, 0, this.#noise(80)), hello({ maxChannels: 1 + this.#pick(5) })];
      default:
        return [Uint8Array.from(this.#noise(60))];
    }
  }
}
