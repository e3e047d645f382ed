import { CircuitError } from '@circuit/base';
import { split } from '@circuit/protocol';
import type { Element, Place } from '../elements/element.js';
import { Anchor, type Held } from './anchor.js';

/** A path that is kept for an element under way; a second one there is refused meanwhile. */
export interface Reservation extends Place {
  /** Puts the element at its anchor. */
  fill(element: Element): Held;
  /** Gives the path up if nothing was filled in. Idempotent. */
  release(): void;
}

export interface NamespaceOptions {
  readonly serverId: string;
  /** The element at the server's own anchor, number 0. */
  readonly server: Element;
  /** Gives each number once, over all starts of the server. */
  readonly nextNumber: () => number;
  readonly maxElements: number;
  /** Scrubbed elements with `stat` that go on answering handles; the oldest are forgotten first. */
  readonly maxRemembered: number;
}

/**
 * The anchors below this server.
 *
 *     free ─reserve─▶ reserved ─fill─▶ held ─remove─▶ free
 *                     reserved ─release─▶ free
 *
 * An anchor exists while it or a descendant holds an element; a reservation alone makes none.
 */
export class Namespace {
  readonly root: Anchor;
  readonly server: Element;
  readonly #nextNumber: () => number;
  readonly #maxElements: number;
  readonly #maxRemembered: number;
  /** Paths below the server. */
  readonly #reserved = new Set<string>();
  readonly #formerIds = new Set<string>();
  readonly #remembered = new Map<number, Held>();
  #size = 0;

  constructor({ serverId, server, nextNumber, maxElements, maxRemembered }: NamespaceOptions) {
    this.server = server;
    this.#nextNumber = nextNumber;
    this.#maxElements = maxElements;
    this.#maxRemembered = maxRemembered;
    this.root = new Anchor(undefined, serverId);
    this.root.held = heldAt(this.root, 0, server);
  }

  get serverId(): string {
    return this.root.name;
  }

  /** The server goes on under another id: all paths begin with it from now on, and the old ones are `gone`. */
  rename(serverId: string): void {
    this.#formerIds.add(this.root.name);
    this.root.rename(serverId);
  }

  /** How many elements there are, the server not counted. */
  get size(): number {
    return this.#size;
  }

  /** Keeps `path` for an element. Throws `conflict` if it has one or will have one, `limit`. */
  reserve(path: string): Reservation {
    return this.#reserve(path, undefined);
  }

  /** Keeps `path` for an element of an earlier start, under the number it had. */
  reclaim(path: string, number: number): Reservation {
    return this.#reserve(path, number);
  }

  /** The element at `path`; `undefined` where an anchor has only children. Throws `not-found`, `gone`, `aborted`. */
  look(path: string, number?: number): Held | undefined {
    const anchor = this.anchor(path);
    const held = anchor?.held;
    if (number !== undefined && held?.number !== number) throw this.#gone(path, number);
    if (anchor === undefined) throw new CircuitError('not-found', `no anchor ${path}`);
    return held;
  }

  /** The element at `path`, and if `number` is given that very one. Throws `not-found`, `gone`, `aborted`. */
  find(path: string, number?: number): Held {
    const held = this.look(path, number);
    if (held === undefined) throw new CircuitError('not-found', `anchor ${path} has no element`);
    return held;
  }

  /** A scrubbed element to which somebody still holds a handle. */
  remembered(path: string, number: number | undefined): Element | undefined {
    if (number === undefined) return undefined;
    const held = this.#remembered.get(number);
    return held?.path === path ? held.element : undefined;
  }

  /** The anchor at `path`, if it exists. Throws `not-found` for the path of another server, `gone` for a former one of this. */
  anchor(path: string): Anchor | undefined {
    const [server, ...names] = split(path);
    if (server !== this.serverId) throw this.#elsewhere(path, server ?? '');
    let anchor: Anchor | undefined = this.root;
    for (const name of names) anchor = anchor?.child(name);
    return anchor;
  }

  /** Takes the element away from its anchor; no change when it is not there any more. */
  remove(held: Held): void {
    let anchor = this.anchor(held.path);
    if (anchor === undefined || anchor.held !== held) return;
    anchor.held = undefined;
    this.#size--;
    if (held.element.operations.stat !== undefined) this.#remember(held);
    while (anchor !== undefined && anchor.held === undefined && !anchor.hasChildren) {
      anchor.parent?.drop(anchor);
      anchor = anchor.parent;
    }
  }

  /** Every element but the server's, as the tree is read. */
  *elements(): Generator<Held> {
    const open = [...this.root.children].reverse();
    for (;;) {
      const anchor = open.pop();
      if (anchor === undefined) return;
      if (anchor.held !== undefined) yield anchor.held;
      for (const child of [...anchor.children].reverse()) open.push(child);
    }
  }

  #reserve(path: string, ownNumber: number | undefined): Reservation {
    const names = split(path).slice(1);
    const below = names.join('/');
    if (this.anchor(path)?.held !== undefined || this.#reserved.has(below))
      throw new CircuitError('conflict', `${path}: anchor already has an element`, { detail: 'exists' });
    if (this.#size + this.#reserved.size >= this.#maxElements)
      throw new CircuitError('limit', `${path}: this server has ${this.#maxElements} elements`);
    this.#reserved.add(below);
    const number = ownNumber ?? this.#nextNumber();
    let held: Held | undefined;
    const presentPath = (): string => `${this.root.path}/${below}`;
    return {
      get path() {
        return presentPath();
      },
      number,
      fill: (element) => {
        this.#reserved.delete(below);
        held = this.#put(names, number, element);
        return held;
      },
      release: () => {
        if (held === undefined) this.#reserved.delete(below);
      },
      vacate: () => {
        if (held !== undefined) this.remove(held);
      },
    };
  }

  #put(names: readonly string[], number: number, element: Element): Held {
    let anchor = this.root;
    for (const name of names) anchor = anchor.grow(name);
    const held = heldAt(anchor, number, element);
    anchor.held = held;
    this.#size++;
    return held;
  }

  #remember(held: Held): void {
    this.#remembered.set(held.number, held);
    if (this.#remembered.size <= this.#maxRemembered) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }

  #elsewhere(path: string, server: string): CircuitError {
    if (!this.#formerIds.has(server))
      return new CircuitError('not-found', `${path} is not on this server, ${this.serverId}`);
    return new CircuitError('gone', `${path}: ${server} is another server, this one is now ${this.serverId}`);
  }

  #gone(path: string, number: number): CircuitError {
    if (this.remembered(path, number) !== undefined)
      return new CircuitError('aborted', `the element ${number} at ${path} was scrubbed`);
    return new CircuitError('gone', `the element ${number} at ${path} was replaced or has ended`);
  }
}

function heldAt(anchor: Anchor, number: number, element: Element): Held {
  return {
    get path() {
      return anchor.path;
    },
    number,
    element,
  };
}
