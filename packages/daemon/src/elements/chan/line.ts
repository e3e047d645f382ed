/** A node of a {@link Line}; it stands in one line at most. */
export class LineNode {
  line: Line<LineNode> | undefined;
  before: LineNode | undefined;
  behind: LineNode | undefined;
  /** The order of arrival: a node that comes back takes its old place among the others. */
  order = 0;
}

/** A queue in the order of arrival, from whose middle a node leaves in constant time. */
export class Line<T extends LineNode> implements Iterable<T> {
  #first: LineNode | undefined;
  #last: LineNode | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first as T | undefined;
  }

  /** Puts `node` behind all that came before it; constant time for a new one and for one that comes back to the front. */
  add(node: T): void {
    if (this.#last === undefined || this.#last.order <= node.order) {
      this.#insert(node, this.#last);
      return;
    }
    let next = this.#first;
    while (next !== undefined && next.order < node.order) next = next.behind;
    this.#insert(node, next?.before);
  }

  shift(): T | undefined {
    const node = this.#first as T | undefined;
    if (node !== undefined) this.remove(node);
    return node;
  }

  /** Takes `node` out; answers whether it stood here. */
  remove(node: T): boolean {
    if (node.line !== (this as unknown)) return false;
    const { before, behind } = node;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    node.line = undefined;
    node.before = undefined;
    node.behind = undefined;
    this.#length--;
    return true;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let node = this.#first; node !== undefined; node = node.behind) yield node as T;
  }

  /** Stands `node` behind `before`; at the front if there is none. */
  #insert(node: T, before: LineNode | undefined): void {
    const behind = before === undefined ? this.#first : before.behind;
    node.line = this;
    node.before = before;
    node.behind = behind;
    if (before === undefined) this.#first = node;
    else before.behind = node;
    if (behind === undefined) this.#last = node;
    else behind.before = node;
    this.#length++;
  }
}
