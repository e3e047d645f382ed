import { CircuitError } from '@circuit/base';
import { Descriptor, type RawDuplex } from '../local/descriptor.js';
import { movedError } from '../local/end.js';
import { reasonError } from '../local/reason-error.js';
import { strangeDuplex } from './raw-duplex.js';

/** A descriptor that is, or will be, in this process. */
export abstract class FdDescriptor extends Descriptor {
  readonly passed = true;
  readonly stream = undefined;
  #moved = false;

  /** Whether its number can be taken away from it. */
  abstract readonly detachable: boolean;
  /** For who took it over: the number, from now on the caller's. Rejects when there is none. */
  abstract detach(): Promise<number>;

  move(): void {
    if (this.#moved) throw movedError();
    this.#moved = true;
  }

  cancel(reason?: unknown): void {
    if (!this.#moved) this.cancelNow(reasonError(reason, 'cancelled by its holder'));
  }

  async standIn(): Promise<RawDuplex> {
    return strangeDuplex(await this.detach());
  }
}

/** What the second use of a descriptor fails with. */
export function usedError(): CircuitError {
  return new CircuitError('closed', 'the descriptor was closed or taken before');
}
