import { CircuitError } from '@circuit/base';
import type { Homecomings } from '../home/homecomings.js';
import type { ByteCursor } from '../wire/varint.js';
import type { Lane } from './lane.js';

/** What a HELLO may say behind the scheme of authentication. */
export interface HelloTail {
  /** The side hands descriptors over; its token (docs/protocol.md, section 15). */
  readonly lane?: Uint8Array | undefined;
  /** Where the side is, so that ends can come home over another session of its process (section 9). */
  readonly home?: HomeName | undefined;
}

/** What a side says of itself for ends that come home. */
export interface HomeName {
  /** The same for all sessions of a process, and no secret: 16 bytes. */
  readonly process: Uint8Array;
  /** Names this session among those of the process: 8 bytes. */
  readonly session: Uint8Array;
  /** With it the peer proves that it was given an end over this session: 16 bytes. */
  readonly key: Uint8Array;
}

const laneVersion = 1;
const homeVersion = 1;
const tokenBytes = 16;
export const sessionBytes = 8;

/** The fields in their order, 0 for what is absent in front of what is not. */
export function encodeTail({ lane, home }: HelloTail): readonly number[] {
  const head = lane === undefined ? [] : [laneVersion, ...lane];
  if (home === undefined) return head;
  return [...(lane === undefined ? [0] : head), homeVersion, ...home.process, ...home.session, ...home.key];
}

/** Reads the fields that are known; behind one that is not, nothing can be told apart. */
export function readTail(payload: ByteCursor): HelloTail {
  if (payload.offset >= payload.end) return {};
  const version = payload.varint();
  if (version !== 0 && version !== laneVersion) return {};
  const lane = version === 0 ? {} : { lane: payload.take(tokenBytes) };
  if (payload.offset >= payload.end || payload.varint() !== homeVersion) return lane;
  const [process, session, key] = [tokenBytes, sessionBytes, tokenBytes].map((length) => payload.take(length));
  return { ...lane, home: { process, session, key } as HomeName };
}

/** What the peer's HELLO says of that becomes known to those whom it concerns. */
export function heardTail(
  side: { readonly home: Homecomings | undefined; lane: Lane | undefined },
  { lane, home }: HelloTail,
): void {
  side.home?.met(home);
  if (lane !== undefined && side.lane?.agreed(lane.slice()) === true) return;
  side.lane?.end(new CircuitError('unsupported', 'the peer takes no descriptors'));
  side.lane = undefined;
}
