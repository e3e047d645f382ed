import type { Codec } from '../codec/codec.js';
import type { End } from '../local/end.js';
import { isByteSink, isByteSource } from '../local/raw.js';
import type { Entry } from '../session/entry.js';
import type { InMessage } from '../session/in-message.js';
import type { Link } from '../session/link.js';
import type { OutMessage } from '../session/out-message.js';
import type { Packer } from '../session/packed.js';
import type { Table } from '../session/table.js';
import type { Unpacker } from '../session/unpacker.js';
import { type Away, AwaySink, AwaySource } from './away.js';
import { BornReceiver } from './born-receiver.js';
import { BornSender } from './born-sender.js';
import { sinkHome, sourceHome } from './home-of.js';
import { Homecomings } from './homecomings.js';

/**
 * What the pump gets in place of `end`, for which `entry` stands on the way out; `undefined` for an end that goes as it is.
 * A page takes `page-away-of.ts` instead.
 */
export function awayOf(end: End, entry: Entry): Away | undefined {
  const turned = goesHome(end);
  // A socket's bytes go without a pump.
  if (!turned && (end.regain === undefined || isByteSource(end) || isByteSink(end))) return undefined;
  const { in: input, out } = entry;
  // What has come home of a channel that was born in a session does not come home again.
  if (out !== undefined) return new AwaySource(end, out, turned ? never : sourceHome);
  return input === undefined ? undefined : new AwaySink(end, input, turned ? never : sinkHome);
}

/** Whether what goes through `end` goes on inside this process: its frames alone would miss that. */
export function goesHome(end: object): boolean {
  return (end instanceof BornSender || end instanceof BornReceiver) && end.turned;
}

/** What hears of the ends that come home over one session, and tells the peer of its own. */
export function homecomings(table: Table, takes = true): Homecomings | undefined {
  return new Homecomings(table, takes);
}

/** The sender of a channel that this side opens. */
export function bornSender(link: Link, entry: Entry, codec: Codec, packer: Packer): OutMessage {
  return new BornSender(link, entry, codec, packer);
}

/** The receiver of the answers to a message. */
export function bornReceiver(link: Link, entry: Entry, codec: Codec, unpacker: Unpacker): InMessage {
  return new BornReceiver(link, entry, codec, unpacker);
}

function never(): undefined {
  return undefined;
}
