import type { Entry } from './entry.js';

/** What a page has in place of `entry-map.ts`: it opens too few channels for what a `Map` leaves behind to matter. */
export class EntryMap {
  readonly #entries = new Map<number, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get(id: number): Entry | undefined {
    return this.#entries.get(id);
  }

  add(entry: Entry): void {
    this.#entries.set(entry.id, entry);
  }

  delete(id: number): boolean {
    return this.#entries.delete(id);
  }

  drain(): Entry[] {
    const entries = [...this.#entries.values()].sort((a, b) => a.id - b.id);
    this.#entries.clear();
    return entries;
  }
}
