import type { CircuitError } from '@circuit/base';
import type { Codec } from '../codec/codec.js';
import type { Descriptor } from '../local/descriptor.js';
import { undelivered } from '../local/undelivered.js';
import type { Receiver, Sender } from '../types.js';
import type { RefKind } from '../wire/frame.js';
import type { OutReference } from './data-frame.js';
import type { Entry } from './entry.js';

/** Prepares a value for one channel: encodes it and makes an entry for every end in it. */
export interface Packer {
  /** The reference of a descriptor, which is taken over. */
  referDescriptor(descriptor: Descriptor, codec: Codec): OutReference;
  /** An entry that this side is about to announce. */
  makeEntry(kind: RefKind, codec: Codec): Entry;
  pack(value: unknown, codec: Codec, options: PackOptions): Packed;
}

export interface PackOptions {
  readonly returns: boolean;
  readonly returnTo: Sender | undefined;
}

/** A value as it goes out: the body of a message and its references. */
export interface Packed {
  /** Valid until the next packing. */
  readonly body: Uint8Array;
  readonly refs: readonly OutReference[] | undefined;
  /** Whether the first reference is the return channel. */
  readonly ret: boolean;
  readonly receiver: Receiver | undefined;
}

/** The ends of a message that never left: whoever holds the other end hears `undelivered`. */
export function withdraw(refs: readonly OutReference[] | undefined, reason: CircuitError): void {
  if (refs === undefined) return;
  const error = undelivered(reason);
  for (const { entry } of refs) entry.fail(error);
}
