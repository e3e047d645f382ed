import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import type { Receiver, Sender } from '../types.js';
import { queue } from './queue.js';

/** How a fan-out treats outputs that fall behind. */
export interface FanOutOptions extends WaitOptions {
  /** Messages held for one output; 64 by default. */
  readonly capacity?: number | undefined;
  /**
   * When an output is that far behind: `end` aborts it with `limit` (default), `skip` leaves messages out for it, `wait` holds the source
   * and so all others back.
   */
  readonly whenFull?: 'end' | 'skip' | 'wait' | undefined;
  /** Outputs at once; one more is refused with `limit`. 1,024 by default. */
  readonly maxOutputs?: number | undefined;
}

interface Output<T> {
  readonly sender: Sender<T>;
  skipped: number;
}

/**
 * Sends every message of one receiver to all outputs. An output gets what comes after it was added, in order. The
 * end of the source closes all outputs, its failure aborts them; an output that cancels is dropped, without harm to the others. Without
 * outputs messages are dropped. Outputs in this process share the value; ends of channels cannot be in it, since they have one holder.
 */
export class FanOut<T> {
  /** Resolves with the number of messages at the end of the source; rejects with what it failed with. */
  readonly closed: Promise<number>;
  readonly #outputs = new Set<Output<T>>();
  readonly #capacity: number;
  readonly #whenFull: 'end' | 'skip' | 'wait';
  readonly #maxOutputs: number;
  readonly #signal: AbortSignal | undefined;
  #over: 'open' | 'closed' | CircuitError = 'open';

  /** Takes `source` over. */
  constructor(source: Receiver<T>, options: FanOutOptions = {}) {
    this.#capacity = options.capacity ?? 64;
    this.#whenFull = options.whenFull ?? 'end';
    this.#maxOutputs = options.maxOutputs ?? 1024;
    this.#signal = options.signal;
    this.closed = this.#run(source);
    this.closed.catch(ignore);
  }

  /** How many outputs there are. */
  get size(): number {
    return this.#outputs.size;
  }

  /** Takes `sender` over as an output; the result takes it out again and closes it behind what is held, and tells how many it missed. */
  add(sender: Sender<T>): () => number {
    if (this.#outputs.size >= this.#maxOutputs)
      throw new CircuitError('limit', `fan-out: ${this.#maxOutputs} outputs are there`);
    const output: Output<T> = { sender: queue(sender, this.#capacity), skipped: 0 };
    output.sender.closed.catch(() => this.#outputs.delete(output));
    if (this.#over === 'open') this.#outputs.add(output);
    else this.#end(output);
    return () => {
      if (this.#outputs.delete(output)) output.sender.close();
      return output.skipped;
    };
  }

  async #run(source: Receiver<T>): Promise<number> {
    const signal = this.#signal;
    try {
      for (let count = 0; ; count++) {
        const message = await source.receive({ returns: false, signal });
        if (message.done) {
          this.#over = 'closed';
          return count;
        }
        const waits = [...this.#outputs].flatMap((output) => this.#give(output, message.value));
        if (waits.length > 0) await Promise.all(waits);
      }
    } catch (error) {
      this.#over = toCircuitError(error);
      source.cancel(this.#over);
      throw error;
    } finally {
      for (const output of this.#outputs) this.#end(output);
      this.#outputs.clear();
    }
  }

  /** Hands the value to one output; answers with the wait for room, where that is the policy. */
  #give(output: Output<T>, value: T): Promise<void>[] {
    try {
      if (output.sender.trySend(value)) return [];
    } catch {
      this.#outputs.delete(output);
      return [];
    }
    switch (this.#whenFull) {
      case 'skip':
        output.skipped++;
        return [];
      case 'end':
        this.#outputs.delete(output);
        output.sender.abort(new CircuitError('limit', `fan-out: more than ${this.#capacity} messages behind`));
        return [];
      case 'wait':
        return [this.#wait(output, value)];
    }
  }

  async #wait(output: Output<T>, value: T): Promise<void> {
    try {
      await output.sender.send(value, { signal: this.#signal });
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      this.#outputs.delete(output);
    }
  }

  #end({ sender }: Output<T>): void {
    if (this.#over instanceof CircuitError) sender.abort(this.#over);
    else sender.close();
  }
}

function ignore(): void {}
