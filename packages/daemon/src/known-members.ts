import { readFile, rename, writeFile } from 'node:fs/promises';
import { type Logger, toCircuitError } from '@circuit/base';
import type { Membership } from '@circuit/membership';
import { parseAddress } from '@circuit/protocol';

const maxKnown = 64;

/** The addresses of the servers last seen, in the state folder, so that a restarted server finds them again. */
export class KnownMembers {
  readonly #file: string;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  #pending: readonly string[] | undefined;

  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** What the last start knew; nothing when there is none, or it cannot be understood. */
  async load(): Promise<readonly string[]> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#file, 'utf8'));
      if (!Array.isArray(value)) return [];
      return value.slice(0, maxKnown).filter((item): item is string => parseAddress(item).ok);
    } catch {
      return [];
    }
  }

  /** Keeps up with `membership` until the result is called. What was known stays while this server is alone. */
  follow(membership: Membership): () => void {
    return membership.watch(() => {
      const others = membership.members().filter(({ id }) => id !== membership.self.id);
      if (others.length > 0) this.#save(others.slice(0, maxKnown).map(({ addr }) => addr));
    });
  }

  /** Waits for what is being written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #save(addresses: readonly string[]): void {
    const isWaiting = this.#pending !== undefined;
    this.#pending = addresses;
    if (!isWaiting) this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const addresses = this.#pending;
    this.#pending = undefined;
    try {
      await writeFile(`${this.#file}.new`, JSON.stringify(addresses), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#logger.warn('the known servers were not kept', { file: this.#file, error: toCircuitError(error).message });
    }
  }
}
