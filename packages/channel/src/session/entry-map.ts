import type { Entry } from './entry.js';

const fewestSlots = 16;
/** A table that was larger once stays this large: channels come in bursts. */
const keptSlots = 1024;
/** So far from where its hash says an entry may stand; beyond it other multipliers are drawn. */
const longestProbe = 128;

/**
 * Entries by their id: an open-addressed hash table with linear probing and backward-shift deletion (Knuth, The Art of Computer
 * Programming 3, 6.4, algorithm R). A `Map` leaves its outgrown tables to the garbage collector with all that once stood in
 * them, and whoever opens channel after channel has every dead one promoted to the old generation. The multipliers of
 * the hash are random, for the peer chooses its ids.
 */
export class EntryMap {
  #slots: (Entry | undefined)[] = emptySlots(fewestSlots);
  #low = drawMultiplier();
  #high = drawMultiplier();
  #shift = shiftFor(fewestSlots);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Entry | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = this.#home(id); ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined || entry.id === id) return entry;
    }
  }

  /** Enters `entry` under its id, which is not there yet. */
  add(entry: Entry): void {
    this.#size++;
    if (2 * this.#size > this.#slots.length) this.#rebuild(2 * this.#slots.length);
    while (!this.#place(entry)) {
      this.#redraw();
      this.#rebuild(this.#slots.length);
    }
  }

  /** Answers whether it was there. */
  delete(id: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = this.#home(id);
    for (; ; gap = (gap + 1) & mask) {
      const entry = slots[gap];
      if (entry === undefined) return false;
      if (entry.id === id) break;
    }
    for (let at = (gap + 1) & mask; ; at = (at + 1) & mask) {
      const entry = slots[at];
      if (entry === undefined) break;
      if (((at - this.#home(entry.id)) & mask) < ((at - gap) & mask)) continue;
      slots[gap] = entry;
      gap = at;
    }
    slots[gap] = undefined;
    this.#size--;
    if (slots.length > keptSlots && 8 * this.#size < slots.length) this.#rebuild(slots.length >> 1);
    return true;
  }

  /** Takes everything out, in the order of the ids. */
  drain(): Entry[] {
    const entries = this.#slots.filter((entry) => entry !== undefined).sort((a, b) => a.id - b.id);
    this.#slots = emptySlots(fewestSlots);
    this.#shift = shiftFor(fewestSlots);
    this.#size = 0;
    return entries;
  }

  /** Where the search for `id` begins. Ids go beyond 32 bits. */
  #home(id: number): number {
    return (Math.imul(id, this.#low) + Math.imul(id / 0x1_0000_0000, this.#high)) >>> this.#shift;
  }

  #redraw(): void {
    this.#low = drawMultiplier();
    this.#high = drawMultiplier();
  }

  /** Answers whether there was room near enough. */
  #place(entry: Entry): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const home = this.#home(entry.id);
    for (let distance = 0; distance < longestProbe; distance++) {
      const at = (home + distance) & mask;
      if (slots[at] !== undefined) continue;
      slots[at] = entry;
      return true;
    }
    return false;
  }

  #rebuild(length: number): void {
    const entries = this.#slots.filter((entry) => entry !== undefined);
    // What is dead holds nothing.
    this.#slots.fill(undefined);
    this.#shift = shiftFor(length);
    for (;;) {
      this.#slots = emptySlots(length);
      if (entries.every((entry) => this.#place(entry))) return;
      this.#redraw();
    }
  }
}

function emptySlots(length: number): (Entry | undefined)[] {
  return new Array<Entry | undefined>(length).fill(undefined);
}

function shiftFor(length: number): number {
  return 32 - Math.log2(length);
}

/** Odd, and not so small that neighbours share a slot. */
function drawMultiplier(): number {
  return Math.floor(Math.random() * 0x1_0000_0000) | 0x4000_0001;
}
