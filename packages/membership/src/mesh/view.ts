import { memberOf } from '../record.js';
import type { Member, MembershipEvent } from '../types.js';
import { isAlive, type Known } from './table.js';

/** The living members as the watchers have been told. */
export class View {
  readonly #members = new Map<string, Member>();

  /** Sorted by id. */
  get members(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  has(id: string): boolean {
    return this.#members.has(id);
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /**
   * Takes over what is known of `id` and answers with the events that say so. A new boot is a restart, unless the two are
   * known to be `twins`, of which one will yield.
   */
  show(id: string, known: Known | undefined, twins: boolean): readonly MembershipEvent[] {
    const was = this.#members.get(id);
    const member = known !== undefined && isAlive(known) ? memberOf(known.record) : undefined;
    if (member === undefined) {
      if (was === undefined) return [];
      this.#members.delete(id);
      return [{ type: 'leave', member: was, reason: known?.record.left === true ? 'left' : 'lost' }];
    }
    this.#members.set(id, member);
    if (was === undefined) return [{ type: 'join', member }];
    if (was.boot === member.boot || twins) return [{ type: 'update', member }];
    return [
      { type: 'leave', member: was, reason: 'lost' },
      { type: 'join', member },
    ];
  }

  /** Begins anew. */
  replace(known: Iterable<Known>): void {
    this.#members.clear();
    for (const one of known) if (isAlive(one)) this.#members.set(one.record.id, memberOf(one.record));
  }
}
