/** An array with more room than this is given back as soon as the queue is empty. */
const keptRoom = 512;

/**
 * A first-in-first-out queue with constant-time ends; keeps no hold on what was taken. A channel that answers one request
 * queues at most one thing, so the first item stands in a field and an array is made for the second only, which stays.
 */
export class Deque<T extends object> {
  #one: T | undefined;
  #items: (T | undefined)[] | undefined;
  #head = 0;
  #tail = 0;

  get length(): number {
    if (this.#items === undefined) return this.#one === undefined ? 0 : 1;
    return this.#tail - this.#head;
  }

  push(item: T): void {
    if (this.#items !== undefined) this.#items[this.#tail++] = item;
    else if (this.#one === undefined) this.#one = item;
    else {
      this.#items = [this.#one, item];
      this.#tail = 2;
      this.#one = undefined;
    }
  }

  first(): T | undefined {
    return this.#items === undefined ? this.#one : this.#items[this.#head];
  }

  shift(): T | undefined {
    const items = this.#items;
    if (items === undefined) {
      const one = this.#one;
      this.#one = undefined;
      return one;
    }
    if (this.#head === this.#tail) return undefined;
    const item = items[this.#head];
    items[this.#head++] = undefined;
    if (this.#head === this.#tail) this.#rewind(items);
    else if (this.#head > keptRoom && this.#head * 2 > this.#tail) {
      items.splice(0, this.#head);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return item;
  }

  /** Takes one item out, wherever it stands; answers whether it was there. */
  remove(item: T): boolean {
    if (this.#items === undefined) {
      if (this.#one !== item) return false;
      this.#one = undefined;
      return true;
    }
    // What is given up together is mostly given up in order.
    if (this.#items[this.#head] === item) return this.shift() !== undefined;
    const index = this.#items.indexOf(item, this.#head);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    this.#tail--;
    return true;
  }

  /** The item that `index` others stand in front of. */
  at(index: number): T | undefined {
    if (index >= this.length) return undefined;
    return this.#items === undefined ? this.#one : this.#items[this.#head + index];
  }

  /** Takes everything. */
  drain(): readonly T[] {
    if (this.length === 0) return nothing;
    const rest = this.#items === undefined ? [this.#one as T] : (this.#items.slice(this.#head, this.#tail) as T[]);
    this.#one = undefined;
    this.#items = undefined;
    this.#head = 0;
    this.#tail = 0;
    return rest;
  }

  /** Goes on at the beginning of an array whose slots are all empty. */
  #rewind(items: (T | undefined)[]): void {
    if (items.length > keptRoom) this.#items = undefined;
    this.#head = 0;
    this.#tail = 0;
  }
}

const nothing: readonly never[] = [];
