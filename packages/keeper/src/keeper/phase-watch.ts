import type { Clock, Timer } from '@circuit/base';
import { isAlive } from '../folder/records.js';
import type { ProcessTable } from '../platform/process-table.js';
import type { HeldProcess } from './held-process.js';

/** How often adopted processes are looked at: no signal tells of them, since they are not our children. */
const adoptedMs = 100;

/** A look over all children waits at least this many times the duration of the last one, so it costs a tenth of a core at most. */
const restFactor = 10;

export interface PhaseWatchOptions {
  readonly table: ProcessTable;
  readonly clock: Clock;
  /** A process was stopped or continued. */
  readonly changed: (process: HeldProcess) => void;
  /** An adopted process is no longer there. */
  readonly vanished: (process: HeldProcess) => void;
}

/**
 * Sees processes stop and continue. SIGCHLD tells that some child changed; signals coalesce, so every child is looked at
 * in the process table. Adopted processes are looked at by the clock, and their absence is their end.
 */
export class PhaseWatch {
  readonly #options: PhaseWatchOptions;
  readonly #children = new Set<HeldProcess>();
  readonly #adopted = new Set<HeldProcess>();
  readonly #onChild = (): void => this.#lookSoon();
  #soon: Timer | undefined;
  #tick: Timer | undefined;
  #notBefore = 0;

  constructor(options: PhaseWatchOptions) {
    this.#options = options;
  }

  /** Watches a child of this process. */
  add(child: HeldProcess): void {
    if (child.ended) return;
    if (this.#children.size === 0) process.on('SIGCHLD', this.#onChild);
    this.#children.add(child);
    // A stop between the spawn and this line was signalled before anybody listened.
    if (this.#children.size === 1) this.#lookSoon();
  }

  /** Watches a process that an earlier keeper started; at once if it is already gone. */
  adopt(held: HeldProcess): void {
    this.#adopted.add(held);
    this.#lookSoon();
    this.#tickLater();
  }

  remove(held: HeldProcess): void {
    this.#adopted.delete(held);
    if (this.#children.delete(held) && this.#children.size === 0) process.off('SIGCHLD', this.#onChild);
  }

  close(): void {
    this.#soon?.cancel();
    this.#tick?.cancel();
    process.off('SIGCHLD', this.#onChild);
    this.#children.clear();
    this.#adopted.clear();
  }

  #look(): void {
    const { table, clock, changed, vanished } = this.#options;
    const started = clock.now();
    for (const held of this.#children) {
      const state = table.read(held.birth.pid)?.state;
      if (state !== undefined && state !== 'dead' && held.observe(state)) changed(held);
    }
    for (const held of this.#adopted) {
      const state = isAlive(table, held.birth) ? table.read(held.birth.pid)?.state : 'dead';
      if (state === undefined || state === 'dead') vanished(held);
      else if (held.observe(state)) changed(held);
    }
    this.#notBefore = started + (clock.now() - started) * (restFactor + 1);
  }

  #lookSoon(): void {
    if (this.#soon !== undefined) return;
    const wait = Math.max(0, this.#notBefore - this.#options.clock.now());
    this.#soon = this.#options.clock.after(wait, () => {
      this.#soon = undefined;
      this.#look();
    });
  }

  #tickLater(): void {
    if (this.#tick !== undefined || this.#adopted.size === 0) return;
    this.#tick = this.#options.clock.after(adoptedMs, () => {
      this.#tick = undefined;
      this.#look();
      this.#tickLater();
    });
  }
}
