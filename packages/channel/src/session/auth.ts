import { CircuitError, type Clock, type Timer, toCircuitError } from '@circuit/base';
import type { PeerInfo } from '../types.js';
import { AuthHandshake } from './auth-handshake.js';
import { authMacs, bindingBytes, bindingLabel, nonceBytes } from './auth-mac.js';
import { type AuthOptions, defaultHandshakeMs, keyFault } from './auth-options.js';
import { type AuthHello, authScheme } from './hello.js';
import type { SessionLimits } from './limits.js';
import type { Role } from './table.js';

/** The session that wants a proof. */
export interface AuthHost {
  writeMac(type: number, mac: Uint8Array): void;
  /** The peer holds the key of `identity`; `bytes` are the session's from here on. */
  proved(identity: string, bytes: readonly Uint8Array[]): void;
  /** `said`: what the peer is told, nothing if it is the peer who ended. */
  refuse(reason: CircuitError, said: CircuitError | undefined): void;
}

/** Drives the authentication of one session: key, nonce, MACs and time limit. Its life ends with `proved` or `refuse`. */
export class Authentication {
  /** This side's fields in HELLO. */
  readonly hello: AuthHello;
  readonly #role: Role;
  readonly #auth: AuthOptions;
  readonly #peer: PeerInfo;
  readonly #host: AuthHost;
  readonly #handshake: AuthHandshake;
  readonly #timer: Timer;
  #ownHello: Uint8Array = new Uint8Array(0);
  #identity = '';
  /** What the owner of the listener may know of a refusal and the peer may not. */
  #doubt = 'wrong key';

  constructor(role: Role, auth: AuthOptions, peer: PeerInfo, limits: SessionLimits, clock: Clock, host: AuthHost) {
    this.#role = role;
    this.#auth = auth;
    this.#peer = peer;
    this.#host = host;
    this.hello = {
      scheme: authScheme,
      bind: peer.exportKey !== undefined,
      nonce: crypto.getRandomValues(new Uint8Array(nonceBytes)),
      identity: 'identity' in auth ? auth.identity : '',
    };
    this.#handshake = new AuthHandshake(role, this.hello, limits, {
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
    const dialling = this.#role === 'dialler';
    this.#identity = dialling ? this.hello.identity : theirs.identity;
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
    if (!this.hello.bind || !theirs.bind) return new Uint8Array(0);
    return this.#peer.exportKey?.(bindingLabel, bindingBytes) ?? new Uint8Array(0);
  }

  #refused(reason: CircuitError, said: CircuitError | undefined): void {
    this.stop();
    const local =
      reason.code === 'denied' && said !== undefined && this.#role === 'listener' && this.#identity !== ''
        ? new CircuitError('denied', `${reason.message}: identity ${JSON.stringify(this.#identity)}, ${this.#doubt}`)
        : reason;
    this.#host.refuse(local, said);
  }
}
