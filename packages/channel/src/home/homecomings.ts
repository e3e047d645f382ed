import type { Entry } from '../session/entry.js';
import type { Table } from '../session/table.js';
import { maxRefs } from '../wire/frame.js';
import type { ByteCursor } from '../wire/varint.js';

/** What the peer says in HOME of ids that it is about to announce. Every such id stands in its next DATA with references. */
export class Homecomings {
  readonly #table: Table;
  /** Our id by the peer's. */
  readonly #named = new Map<number, number>();
  #last = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** HOME: the peer's next id `id` is to be our own end; answers with the fault. */
  named(id: number, payload: ByteCursor): string | undefined {
    const own = payload.varint();
    if (!payload.ok()) return `malformed HOME of channel ${id}`;
    if (id <= this.#last || this.#table.isOwn(id) || this.#table.wasKnown(id))
      return `HOME of channel ${id}, which is not a new one`;
    if (!this.#table.isOwn(own) || !this.#table.wasKnown(own))
      return `HOME of channel ${id} as channel ${own}, which this side has not announced`;
    if (this.#named.size >= maxRefs) return `HOME of more than ${maxRefs} channels`;
    this.#last = id;
    this.#named.set(id, own);
    return undefined;
  }

  /** The references of the next message: each that was named knows from here on what it is. Answers with the fault. */
  announced(refs: readonly Entry[]): string | undefined {
    if (this.#named.size === 0) return undefined;
    for (const entry of refs) {
      const own = this.#named.get(entry.id);
      if (own === undefined) continue;
      this.#named.delete(entry.id);
      const fault = this.#bring(entry, own);
      if (fault !== undefined) return fault;
    }
    const [left] = this.#named.keys();
    return left === undefined ? undefined : `HOME of channel ${left}, which the next message did not announce`;
  }

  #bring(entry: Entry, id: number): string | undefined {
    const own = this.#table.get(id);
    // It may have ended on this side while the message was on its way.
    if (own === undefined) return undefined;
    if (own.kind !== entry.kind) return `HOME of channel ${entry.id} as channel ${id}, which is of another kind`;
    if (own.away === undefined) return undefined;
    if (own.away.named) return `HOME of channel ${entry.id} as channel ${id}, which has come home before`;
    own.away.named = true;
    if (own.away.open) entry.away = own.away;
    return undefined;
  }
}
