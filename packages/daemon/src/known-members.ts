import { type Logger, toCircuitError } from '@circuit/base';
import type { Membership } from '@circuit/membership';
import type { KnownMember } from './state/known-members.js';
import type { StateFolder } from './state/state-folder.js';

/** Keeps the servers last seen in the state folder, so that a restarted server finds them again. */
export class KnownMembers {
  readonly #state: StateFolder;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  #pending: readonly KnownMember[] | undefined;

  constructor(state: StateFolder, logger: Logger) {
    this.#state = state;
    this.#logger = logger;
  }

  /** Keeps up with `membership` until the result is called. What was known stays while this server is alone. */
  follow(membership: Membership): () => void {
    return membership.watch(() => {
      const others = membership.members().filter(({ id }) => id !== membership.self.id);
      if (others.length > 0) this.#save(others);
    });
  }

  /** Waits for what is being written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #save(members: readonly KnownMember[]): void {
    const isWaiting = this.#pending !== undefined;
    this.#pending = members;
    if (!isWaiting) this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const members = this.#pending ?? [];
    this.#pending = undefined;
    try {
      await this.#state.writeMembers(members);
    } catch (error) {
      this.#logger.warn('the known servers were not kept', { error: toCircuitError(error).message });
    }
  }
}
