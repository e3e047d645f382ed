import type { Held } from './passed-descriptor.js';

/** More are not kept for those who may still take them. */
export const maxLeft = 1024;

/** The descriptors of sessions that have ended which nobody has taken yet; beyond 1,024 the oldest are closed. */
export class LeftBehind {
  readonly #left = new Set<Held>();

  /** Who comes and goes, and comes again, would otherwise leave more than the collector closes in time. */
  add(held: Iterable<Held>): void {
    for (const one of held) this.#left.add(one);
    if (this.#left.size <= maxLeft) return;
    for (const one of this.#left) if (!one.open) this.#left.delete(one);
    for (const oldest of this.#left) {
      if (this.#left.size <= maxLeft) return;
      this.#left.delete(oldest);
      oldest.close();
    }
  }
}
