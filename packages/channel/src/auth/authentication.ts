import { CircuitError, type Timer, toCircuitError } from '@circuit/base';
import type { Authentication, AuthHost } from '../session/authenticator.js';
import type { AuthHello } from '../session/hello.js';
import { AuthHandshake } from './handshake.js';
import { authScheme, encodeAuth } from './hello.js';
import { authMacs, bindingBytes, bindingLabel, nonceBytes } from './mac.js';
import { type AuthOptions, carrierFault, defaultHandshakeMs, keyFault } from './options.js';

/** Drives the authentication of one session: key, nonce, MACs and time limit. Its life ends with `proved` or `refuse`. */
export class KeyAuthentication implements Authentication {
  readonly hello: Uint8Array;
  readonly fault: CircuitError | undefined;
  readonly #own: AuthHello;
  readonly #auth: AuthOptions;
  readonly #host: AuthHost;
  readonly #handshake: AuthHandshake;
  readonly #timer: Timer;
  #ownHello: Uint8Array = new Uint8Array(0);
  #identity = '';
  /** What the owner of the listener may know of a refusal and the peer may not. */
  #doubt = 'wrong key';

  constructor(auth: AuthOptions, host: AuthHost) {
    this.#auth = auth;
    this.#host = host;
    const { role, peer, limits, clock } = host;
    this.#own = {
      scheme: authScheme,
      bind: peer.exportKey !== undefined,
      nonce: crypto.getRandomValues(new Uint8Array(nonceBytes)),
      identity: 'identity' in auth ? auth.identity : '',
    };
    this.hello = encodeAuth(this.#own);
    const fault = carrierFault(peer, auth);
    if (fault !== undefined) this.fault = new CircuitError('denied', fault);
    this.#handshake = new AuthHandshake(role, this.#own, limits, {
      compute: (theirs, payload) => void this.#compute(theirs, payload),
      write: (type, mac) => host.writeMac(type, mac),
      proved: (bytes) => {
        this.#timer.cancel();
        host.proved(this.#identity, bytes);
      },
      refused: (reason, said) => this.#refused(reason, said),
    });
    const ms = auth.handshakeMs ?? defaultHandshakeMs;
    this.#timer = clock.after(ms, () => {
      const error = new CircuitError('timeout', `no proof of a key within ${ms} ms`, { retryable: true });
      this.#refused(error, error);
    });
  }

  /** The payload of the HELLO that was written. */
  greeted(payload: Uint8Array): void {
    this.#ownHello = payload;
  }

  receive(chunk: Uint8Array): void {
    this.#handshake.receive(chunk);
  }

  stop(): void {
    this.#handshake.stop();
    this.#timer.cancel();
  }

  async #compute(theirs: AuthHello, payload: Uint8Array): Promise<void> {
    const dialling = this.#host.role === 'dialler';
    this.#identity = dialling ? this.#own.identity : theirs.identity;
    try {
      this.#handshake.computed(
        await authMacs(await this.#key(), {
          dialler: dialling ? this.#ownHello : payload,
          listener: dialling ? payload : this.#ownHello,
          binding: this.#binding(theirs),
        }),
      );
    } catch (error) {
      this.#refused(toCircuitError(error), new CircuitError('denied', 'authentication failed'));
    }
  }

  /** The key of the identity. One that nobody could know stands in for one that is missing: the answer is the same then. */
  async #key(): Promise<Uint8Array> {
    const auth = this.#auth;
    if ('key' in auth) return auth.key;
    let why = 'unknown identity';
    try {
      const key = await auth.keyFor(this.#identity);
      const fault = key === undefined ? undefined : keyFault(key);
      if (key !== undefined && fault === undefined) return key;
      if (fault !== undefined) why = `key of ${fault}`;
    } catch (error) {
      why = toCircuitError(error).message;
    }
    this.#doubt = why;
    return crypto.getRandomValues(new Uint8Array(nonceBytes));
  }

  #binding(theirs: AuthHello): Uint8Array {
    if (!this.#own.bind || !theirs.bind) return new Uint8Array(0);
    return this.#host.peer.exportKey?.(bindingLabel, bindingBytes) ?? new Uint8Array(0);
  }

  #refused(reason: CircuitError, said: CircuitError | undefined): void {
    this.stop();
    const { role, peer } = this.#host;
    const doubted = reason.code === 'denied' && said !== undefined && role === 'listener' && this.#identity !== '';
    const doubt = doubted ? `: identity ${JSON.stringify(this.#identity)}, ${this.#doubt}` : '';
    const message = `${peer.carrier} ${peer.address}: ${reason.message}${doubt}`;
    this.#host.refuse(new CircuitError(reason.code, message, { cause: reason }), said);
  }
}
