import { abortError, orAborted, toCircuitError, type WaitOptions } from '@circuit/base';
import type { ByteSink, ResponseOf } from '@circuit/protocol';
import { type BytesInput, pieces } from './bytes.js';
import type { Call } from './call.js';

/** Bytes on their way into an element: the stream, and beside it the call that tells what became of them. */
export class Outgoing<V extends 'send' | 'stdin'> {
  readonly #call: Call<V>;
  readonly #sink: ByteSink;
  readonly #outcome: Promise<ResponseOf<V>>;
  /** Rejects as soon as the call has failed, else never settles. */
  readonly #failure: Promise<never>;
  #over = false;

  /** Takes over a call whose events are of no further interest, and the sink that belongs to it. */
  constructor(call: Call<V>, sink: ByteSink) {
    this.#call = call;
    this.#sink = sink;
    this.#outcome = call.result();
    this.#failure = new Promise<never>((_, reject) => {
      this.#outcome.catch(reject);
    });
    this.#failure.catch(ignore);
    sink.closed.catch(ignore);
  }

  /** Resolves when there is room for more. Rejects with the server's reason once it takes no more. */
  async write(chunk: Uint8Array, { signal }: WaitOptions = {}): Promise<void> {
    try {
      await this.#sink.write(chunk, { signal });
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      // The call tells more than its broken stream does.
      await this.#outcome;
      throw error;
    }
  }

  /** Writes all of `input`, then waits for the outcome. Rejects as soon as the server says no, also while `input` is silent. */
  async pump(input: BytesInput, { signal }: WaitOptions = {}): Promise<ResponseOf<V>> {
    const source = pieces(input);
    try {
      for (;;) {
        const next = await orAborted(Promise.race([source.next(), this.#failure]), signal);
        if (next.done === true) break;
        await this.write(next.value, { signal });
      }
    } catch (error) {
      // Not awaited: a silent input answers only when something comes.
      source.return().catch(ignore);
      this.abort(error);
      throw error;
    }
    return this.finish({ signal });
  }

  /** Ends the bytes as whole and waits for the outcome; given up by its signal all is aborted. */
  async finish({ signal }: WaitOptions = {}): Promise<ResponseOf<V>> {
    this.#sink.close();
    try {
      return await orAborted(this.#outcome, signal);
    } catch (error) {
      this.abort(error);
      throw error;
    } finally {
      this.#over = true;
    }
  }

  /** Ends the bytes as failed. */
  abort(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const error = toCircuitError(reason, 'aborted');
    this.#sink.abort(error);
    this.#call.cancel(error);
  }
}

function ignore(): void {}
