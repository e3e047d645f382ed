import * as dataFlag from '../wire/data-flag.js';
import * as frameType from '../wire/frame-type.js';
import * as refKind from '../wire/ref-kind.js';
import { varintLength, writeVarint } from '../wire/varint.js';
import type { Entry } from './entry.js';
import type { Link } from './link.js';

/** An end that travels with a message: its entry, which gets its id when the message's first frame is written. */
export interface OutReference {
  readonly entry: Entry;
  /** Called right before its announcement: what the entry is depends on what the peer said by then. */
  readonly settle?: () => void;
  /** What it is joined to: if that is an end of the peer's, it comes home. */
  readonly home?: Entry | undefined;
}

/**
 * Writes one DATA frame: flags, the whole length in front of the first of several pieces (`total` > 0), references, body.
 * The references are announced by it. An `owned` body may be handed to the carrier without a copy.
 */
export function writeData(
  link: Link,
  id: number,
  flags: number,
  total: number,
  refs: readonly OutReference[] | undefined,
  body: Uint8Array,
  owned: boolean,
): void {
  const { writer } = link;
  const hasRefs = refs !== undefined && refs.length > 0;
  let front = 1 + (total > 0 ? varintLength(total) : 0);
  if (hasRefs) {
    for (const ref of refs) {
      ref.settle?.();
      link.announce(ref.entry);
      if (ref.home !== undefined) writeHome(link, ref.entry, ref.home);
    }
    front += varintLength(refs.length);
    for (const { entry } of refs) front += 1 + varintLength(entry.id);
  }
  let at = writer.withBody(frameType.data, id, front, body, owned);
  const { buffer } = writer;
  buffer[at++] = flags | (hasRefs ? dataFlag.refs : 0);
  if (total > 0) at = writeVarint(buffer, at, total);
  if (!hasRefs) return;
  at = writeVarint(buffer, at, refs.length);
  for (const { entry } of refs) {
    buffer[at++] = entry.kind;
    at = writeVarint(buffer, at, entry.id);
  }
  for (const { entry } of refs) activate(link, entry);
}

/** An announced entry says what it held back, and may use the credit that the peer gives every fresh channel. */
export function activate(link: Link, entry: Entry): void {
  entry.in?.announced();
  const peer = link.peerLimits;
  if (peer === undefined || entry.out === undefined) return;
  const messages = entry.kind === refKind.sender || entry.kind === refKind.receiver;
  entry.out.announced(messages ? peer.windowBytes : peer.streamWindowBytes);
}

/** HOME, where `home` is an end of the process that the peer is in: `entry`, which the frame that follows announces, is the same end. */
function writeHome(link: Link, { id }: Entry, home: Entry): void {
  const from = (home.in ?? home.out)?.link;
  let proof: Uint8Array | undefined;
  if (from !== link) proof = link.home?.proofOf(home.id, from?.home);
  else if (((id ^ home.id) & 1) === 1) proof = nothing;
  if (proof === undefined || home.over || home.out?.sendRefusal !== undefined) return;
  const at = link.writer.begin(frameType.home, id, varintLength(home.id) + proof.length);
  link.writer.buffer.set(proof, writeVarint(link.writer.buffer, at, home.id));
}

const nothing = new Uint8Array(0);
