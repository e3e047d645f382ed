import { CircuitError } from '@circuit/base';
import type { Entry } from './entry.js';
import { EntryMap } from './entry-map.js';

/** Which ids a side gives out: the dialler odd ones, the listener even ones. */
export type Role = 'dialler' | 'listener';

/** The entries of a session by id. Ids are never given out twice. */
export class Table {
  readonly #entries = new EntryMap();
  readonly #ownParity: number;
  #nextOwn: number;
  /** The highest id that the peer has announced. */
  #highestPeer = 0;
  #peerCount = 0;

  constructor(role: Role) {
    this.#nextOwn = role === 'dialler' ? 1 : 2;
    this.#ownParity = this.#nextOwn & 1;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many entries the peer announced. */
  get peerCount(): number {
    return this.#peerCount;
  }

  get ownCount(): number {
    return this.#entries.size - this.#peerCount;
  }

  get(id: number): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Gives `entry` the next id of this side. */
  addOwn(entry: Entry): void {
    entry.id = this.#nextOwn;
    this.#nextOwn += 2;
    if (!Number.isSafeInteger(this.#nextOwn)) throw new CircuitError('limit', 'session: channel ids are used up');
    this.#entries.add(entry);
  }

  /** Enters what the peer announced; answers with the fault if the id is not its to give or not new. */
  addPeer(entry: Entry, id: number): string | undefined {
    if (id === 0 || this.isOwn(id)) return `channel ${id} announced by the wrong side`;
    if (id <= this.#highestPeer) return `channel ${id} announced after ${this.#highestPeer}`;
    this.#highestPeer = id;
    this.#peerCount++;
    entry.id = id;
    this.#entries.add(entry);
    return undefined;
  }

  remove(entry: Entry): void {
    if (this.#entries.delete(entry.id) && !this.isOwn(entry.id)) this.#peerCount--;
  }

  /** Whether an id that is not in the table was there once: its late frames are dropped. */
  wasKnown(id: number): boolean {
    if (id === 0) return false;
    return this.isOwn(id) ? id < this.#nextOwn : id <= this.#highestPeer;
  }

  /** Empties the table. */
  drain(): Entry[] {
    this.#peerCount = 0;
    return this.#entries.drain();
  }

  /** Whether `id` is this side's to give out. */
  isOwn(id: number): boolean {
    return id % 2 === this.#ownParity;
  }
}
