import type { Element } from '../elements/element.js';

/** An element at its anchor. */
export interface Held {
  /** As of now: all paths change with the id of the server. */
  readonly path: string;
  /** Never given twice by one server. */
  readonly number: number;
  readonly element: Element;
}

/** A point of the tree; exists while it or a descendant holds an element. */
export class Anchor {
  readonly parent: Anchor | undefined;
  held: Held | undefined;
  readonly #children = new Map<string, Anchor>();
  #sorted: readonly Anchor[] | undefined;
  #name: string;
  #path: string;

  constructor(parent: Anchor | undefined, name: string) {
    this.parent = parent;
    this.#name = name;
    this.#path = `${parent?.path ?? ''}/${name}`;
  }

  get name(): string {
    return this.#name;
  }

  get path(): string {
    return this.#path;
  }

  /** Gives a root another name, and with it every anchor below another path. */
  rename(name: string): void {
    this.#name = name;
    const open: Anchor[] = [this];
    for (let anchor = open.pop(); anchor !== undefined; anchor = open.pop()) {
      anchor.#path = `${anchor.parent?.path ?? ''}/${anchor.#name}`;
      open.push(...anchor.#children.values());
    }
  }

  get hasChildren(): boolean {
    return this.#children.size > 0;
  }

  /** The children by name, as code units order them; kept until a child comes or goes. */
  get children(): readonly Anchor[] {
    this.#sorted ??= [...this.#children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  child(name: string): Anchor | undefined {
    return this.#children.get(name);
  }

  /** The child of that name, made if there is none. */
  grow(name: string): Anchor {
    const present = this.#children.get(name);
    if (present !== undefined) return present;
    const made = new Anchor(this, name);
    this.#children.set(name, made);
    this.#sorted = undefined;
    return made;
  }

  drop(child: Anchor): void {
    if (this.#children.delete(child.name)) this.#sorted = undefined;
  }
}
