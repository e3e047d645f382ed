import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Entry } from '../session/entry.js';
import { type HomeName, sessionBytes } from '../session/hello-tail.js';
import type { Table } from '../session/table.js';
import { maxRefs } from '../wire/frame.js';
import { type ByteCursor, maxVarintBytes, writeVarint } from '../wire/varint.js';
import { bornAway } from './born.js';

/** Drawn at random: says that two sessions end in one process, and nothing else. */
const thisProcess = randomBytes(16);

/** The sessions of this process by the name that their HELLO says. */
const sessions = new Map<string, Homecomings>();

const proofBytes = 16;

/** An own id of one of the sessions of this process. */
interface Named {
  readonly table: Table;
  readonly id: number;
}

/** What the peer's HELLO said. */
interface Peer {
  readonly process: string;
  readonly session: Uint8Array;
  readonly key: Uint8Array;
}

/** What both sides of a session say in HOME of ids that they are about to announce. Every such id stands in the next DATA with references. */
export class Homecomings {
  /** What this side's HELLO says; `undefined` for a side that takes no end home. */
  readonly name: HomeName | undefined;
  readonly #table: Table;
  /** What the peer names, by the peer's id. */
  readonly #named = new Map<number, Named>();
  #peer: Peer | undefined;
  #last = 0;

  /** `takes`: also takes ends home, and does not merely tell others of theirs. */
  constructor(table: Table, takes: boolean) {
    this.#table = table;
    if (!takes) return;
    this.name = { process: thisProcess, session: randomBytes(sessionBytes), key: randomBytes(16) };
    sessions.set(text(this.name.session), this);
  }

  /** The peer's HELLO. */
  met(peer: HomeName | undefined): void {
    if (peer === undefined) return;
    const { process, session, key } = peer;
    this.#peer = { process: text(process), session: session.slice(), key: key.slice() };
  }

  /** The session is over: its ids are nobody's any more. */
  stop(): void {
    if (this.name !== undefined) sessions.delete(text(this.name.session));
    this.#named.clear();
  }

  /** HOME: the peer's next id `id` is to be our own end; answers with the fault. */
  named(id: number, payload: ByteCursor): string | undefined {
    if (this.name === undefined) return undefined;
    const own = payload.varint();
    const elsewhere = payload.offset < payload.end;
    const session = elsewhere ? text(payload.take(sessionBytes)) : '';
    const proof = elsewhere ? payload.take(proofBytes) : undefined;
    if (!payload.ok()) return `malformed HOME of channel ${id}`;
    if (id <= this.#last || this.#table.isOwn(id) || this.#table.wasKnown(id))
      return `HOME of channel ${id}, which is not a new one`;
    const home = proof === undefined ? this : sessions.get(session);
    this.#last = id;
    // That session may have ended while this was on its way.
    if (home?.name === undefined) return undefined;
    if (proof !== undefined && !timingSafeEqual(prove(home.name.key, own), proof))
      return `HOME of channel ${id} as channel ${own} of another session, without proof`;
    if (!home.#table.isOwn(own) || !home.#table.wasKnown(own))
      return `HOME of channel ${id} as channel ${own}, which this side has not announced`;
    if (this.#named.size >= maxRefs) return `HOME of more than ${maxRefs} channels`;
    this.#named.set(id, { table: home.#table, id: own });
    return undefined;
  }

  /** The references of the next message: each that was named knows from here on what it is. Answers with the fault. */
  announced(refs: readonly Entry[]): string | undefined {
    if (this.#named.size === 0) return undefined;
    for (const entry of refs) {
      const own = this.#named.get(entry.id);
      if (own === undefined) continue;
      this.#named.delete(entry.id);
      const fault = bring(entry, own);
      if (fault !== undefined) return fault;
    }
    const [left] = this.#named.keys();
    return left === undefined ? undefined : `HOME of channel ${left}, which the next message did not announce`;
  }

  /**
   * What HOME says behind the peer's id `id` of the session of `origin`, for an end that goes on over this session; `undefined` where
   * it does not go back to the process that it came from.
   */
  proofOf(id: number, origin: Homecomings | undefined): Uint8Array | undefined {
    if (origin === undefined || origin.#table.isOwn(id)) return undefined;
    const from = origin.#peer;
    // Whoever lies about its process gets proof of the very end that it is given.
    if (from === undefined || from.process !== this.#peer?.process) return undefined;
    return Buffer.concat([from.session, prove(from.key, id)]);
  }
}

/** RFC 2104 over the id, with the key of the session: known to who gave the end and who was given it. */
function prove(key: Uint8Array, id: number): Uint8Array {
  const bytes = new Uint8Array(maxVarintBytes);
  const length = writeVarint(bytes, 0, id);
  return createHmac('sha256', key).update(bytes.subarray(0, length)).digest().subarray(0, proofBytes);
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function bring(entry: Entry, { table, id }: Named): string | undefined {
  const own = table.get(id);
  // It may have ended on this side while the message was on its way.
  if (own === undefined) return undefined;
  if (own.kind !== entry.kind) return `HOME of channel ${entry.id} as channel ${id}, which is of another kind`;
  own.away ??= bornAway(own);
  if (own.away === undefined) return undefined;
  if (own.away.named) return `HOME of channel ${entry.id} as channel ${id}, which has come home before`;
  own.away.named = true;
  if (own.away.open) entry.away = own.away;
  return undefined;
}
