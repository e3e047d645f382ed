import type { Codec } from '../codec/codec.js';
import type { Entry } from '../session/entry.js';
import { InMessage } from '../session/in-message.js';
import type { Link } from '../session/link.js';
import { OutMessage } from '../session/out-message.js';
import type { Packer } from '../session/packed.js';
import type { Unpacker } from '../session/unpacker.js';

/**
 * What a page has in place of `away-of.ts`, so that it has less to load: it takes no end home. HOME may be ignored, and an end
 * that comes back to a page runs through the other side.
 */
export function awayOf(): undefined {
  return undefined;
}

export function goesHome(): boolean {
  return false;
}

/** A page does not listen for them either. */
export function homecomings(): undefined {
  return undefined;
}

export function bornSender(link: Link, entry: Entry, codec: Codec, packer: Packer): OutMessage {
  return new OutMessage(link, entry, codec, packer);
}

export function bornReceiver(link: Link, entry: Entry, codec: Codec, unpacker: Unpacker): InMessage {
  return new InMessage(link, entry, codec, unpacker);
}
