import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import type { ByteDuplex, Sender } from '@circuit/channel';
import { type AckOf, orThrow, parseSocketTarget, type SocketTarget } from '@circuit/protocol';
import type { Call } from './call.js';
import type { Uplink } from './uplink.js';

/** Connections that a server makes to one address of its network, on demand. */
export class Forwarding {
  /** Resolves when no more connections can be had: with what ended it, `undefined` after `close()`. */
  readonly closed: Promise<CircuitError | undefined>;
  readonly #target: SocketTarget;
  readonly #requests: Sender<AckOf<'forward'>>;
  #over: CircuitError | undefined;

  private constructor(call: Call<'forward'>, requests: Sender, target: SocketTarget) {
    this.#target = target;
    this.#requests = requests;
    this.closed = call.result().then(
      () => undefined,
      (error: unknown) => (this.#over = toCircuitError(error, 'peer-gone')),
    );
  }

  /** Asks the server at `path`; see {@link Server.forward}. */
  static async open(uplink: Uplink, path: string, address: string, { signal }: WaitOptions = {}): Promise<Forwarding> {
    const target = orThrow(parseSocketTarget(address));
    const call = await uplink.call('forward', path, { address }, { signal });
    const heard = await call.next({ signal });
    if (heard.type === 'result') throw new CircuitError('protocol', `forward ${path}: not opened`);
    return new Forwarding(call, heard.ret, target);
  }

  /**
   * One connection. Rejects with what the server's system says (`unreachable`, `denied` …), `timeout` when nobody answers it,
   * `limit` when it holds too many, `peer-gone` when the server itself is gone; given up by its signal nothing stays open.
   */
  async dial({ signal }: WaitOptions = {}): Promise<ByteDuplex> {
    if (this.#over !== undefined) throw this.#over;
    const request: AckOf<'forward'> = { type: 'dial', address: this.#target };
    const answers = await this.#requests.send(request, { returns: true, signal });
    try {
      const answer = await answers.receive({ returns: false, signal });
      if (answer.done) throw new CircuitError('peer-gone', 'dial: the server gave no answer');
      return answer.value as ByteDuplex;
    } catch (error) {
      answers.cancel(error);
      throw error;
    }
  }

  /** Wants no more connections; those that are open go on. */
  close(): void {
    this.#requests.close();
  }
}
