/** What a page has in place of `deque.ts`: its queues are short, and an array's own `shift` is as fast there. */
export class Deque<T extends object> {
  #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  first(): T | undefined {
    return this.#items[0];
  }

  shift(): T | undefined {
    return this.#items.shift();
  }

  /** Takes one item out, wherever it stands; answers whether it was there. */
  remove(item: T): boolean {
    const index = this.#items.indexOf(item);
    if (index >= 0) this.#items.splice(index, 1);
    return index >= 0;
  }

  /** The item that `index` others stand in front of. */
  at(index: number): T | undefined {
    return this.#items[index];
  }

  /** Takes everything. */
  drain(): readonly T[] {
    return this.#items.splice(0);
  }
}
