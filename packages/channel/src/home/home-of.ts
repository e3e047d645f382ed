import type { Entry } from '../session/entry.js';
import type { InBytes } from '../session/in-bytes.js';
import type { InMessage } from '../session/in-message.js';
import * as refKind from '../wire/ref-kind.js';
import type { SinkAway, SourceAway } from './away.js';
import { HomeReader } from './home-reader.js';
import { HomeReceiver } from './home-receiver.js';
import { HomeSender } from './home-sender.js';
import { HomeWriter } from './home-writer.js';

/** An end that has come home; `begin` it before it is used. */
export type Home = HomeSender | HomeReceiver | HomeWriter | HomeReader;

/**
 * The receiver or reader that `entry` brings home; `undefined` where it is an end like others, also because either side
 * is over.
 */
export function sourceHome({ kind, in: input }: Entry, away: SourceAway): Home | undefined {
  if (!away.open || input?.state !== 'open') return undefined;
  if (kind === refKind.receiver) return HomeReceiver.of(input as InMessage, away);
  return kind === refKind.reader ? HomeReader.of(input as InBytes, away) : undefined;
}

/** {@link sourceHome} for a sender or writer. */
export function sinkHome({ kind, out }: Entry, away: SinkAway): Home | undefined {
  if (!away.open || out?.state !== 'open') return undefined;
  if (kind === refKind.sender) return HomeSender.of(out, away);
  return kind === refKind.writer ? HomeWriter.of(out, away) : undefined;
}
