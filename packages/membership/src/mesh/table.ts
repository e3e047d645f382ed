import { compareRecords, type MemberRecord } from '../record.js';
import type { Entry } from './events.js';
import type { MeshSettings } from './settings.js';

/** What is known of one server. */
export interface Known extends Entry {
  /** When its record came or it was found dead, on the clock of the mesh. */
  readonly sinceMs: number;
}

/**
 * The records of all servers, the living and the dead. Knowledge about one server is totally ordered: a later record beats
 * an earlier one, and of one record that its server is dead beats that it lives. Taking the greater of two is commutative,
 * associative and idempotent, so tables that hear the same things in any order become equal.
 */
export class Table {
  readonly #known = new Map<string, Known>();
  readonly #settings: MeshSettings;

  constructor(settings: MeshSettings) {
    this.#settings = settings;
  }

  get(id: string): Known | undefined {
    return this.#known.get(id);
  }

  all(): IterableIterator<Known> {
    return this.#known.values();
  }

  /** Takes over what is greater than what is known; tells whether it was. */
  absorb(entry: Entry, nowMs: number): boolean {
    const { id } = entry.record;
    const known = this.#known.get(id);
    if (known !== undefined && compareEntries(entry, known) <= 0) return false;
    if (known === undefined && !this.#makeRoom(nowMs)) return false;
    this.#known.set(id, { ...entry, sinceMs: nowMs });
    return true;
  }

  /** Puts `entry` in the place of whatever is known of its server. */
  overwrite(entry: Entry, nowMs: number): void {
    this.#known.set(entry.record.id, { ...entry, sinceMs: nowMs });
  }

  /** How many servers would live after hearing `entries`. */
  countWith(entries: readonly Entry[]): number {
    const after = new Map<string, Entry>(this.#known);
    for (const entry of entries) {
      const known = after.get(entry.record.id);
      if (known === undefined || compareEntries(entry, known) > 0) after.set(entry.record.id, entry);
    }
    return [...after.values()].filter(isAlive).length;
  }

  /** Drops what has been dead for too long. */
  expire(nowMs: number): void {
    for (const known of this.#known.values()) {
      if (!isAlive(known) && nowMs - known.sinceMs >= this.#settings.tombstoneMs) this.#known.delete(known.record.id);
    }
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#known.size < this.#settings.maxRecords) return true;
    this.expire(nowMs);
    if (this.#known.size < this.#settings.maxRecords) return true;
    let oldest: Known | undefined;
    for (const known of this.#known.values()) {
      if (!isAlive(known) && (oldest === undefined || known.sinceMs < oldest.sinceMs)) oldest = known;
    }
    return oldest !== undefined && this.#known.delete(oldest.record.id);
  }
}

/** Whether its server is a living member as far as is known. */
export function isAlive(entry: { readonly record: MemberRecord; readonly dead: boolean }): boolean {
  return !entry.dead && !entry.record.left;
}

/** The order of knowledge about one server. */
function compareEntries(a: Entry, b: Entry): number {
  return compareRecords(a.record, b.record) || Number(a.dead) - Number(b.dead);
}
