import type { LinkPeer } from './events.js';

/** A session on which both servers have proved who they are, as the mesh sees it. */
export interface Link extends LinkPeer {
  readonly number: number;
  /** Whether the peer's first words were heard. */
  ready: boolean;
  /** The joins that wait for them. */
  readonly seeds: readonly number[];
}

/** The links of one server. */
export class Links {
  readonly #links = new Map<number, Link>();

  get(number: number): Link | undefined {
    return this.#links.get(number);
  }

  add(link: Link): void {
    this.#links.set(link.number, link);
  }

  remove(number: number): void {
    this.#links.delete(number);
  }

  all(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** A link to `id`, of the given boot or of any, whether it is ready or not. */
  find(id: string, boot?: string): Link | undefined {
    for (const link of this.#links.values()) {
      if (link.id === id && (boot === undefined || link.boot === boot)) return link;
    }
    return undefined;
  }

  /** The link to this boot of `id` whose peer has spoken. */
  findReady(id: string, boot: string): Link | undefined {
    const link = this.find(id, boot);
    return link?.ready === true ? link : undefined;
  }
}
