import { CircuitError, type ErrorCode } from '@circuit/base';
import { type AuthHello, decodeHello } from '../session/hello.js';
import type { SessionLimits } from '../session/limits.js';
import { readReason } from '../session/reason.js';
import type { Role } from '../session/table.js';
import { headerBytes } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { ByteCursor } from '../wire/varint.js';
import { authScheme, readAuth } from './hello.js';
import { macBytes, sameMac } from './mac.js';

/** What the handshake tells its driver. */
export interface HandshakeEvents {
  /** The peer's HELLO is here: compute the MACs and call `computed`. */
  compute(peer: AuthHello, payload: Uint8Array): void;
  /** Write AUTH or PROOF. */
  write(type: number, mac: Uint8Array): void;
  /** The peer has proved the key. `bytes` are for the session: the peer's HELLO frame, and what came behind the proof. */
  proved(bytes: readonly Uint8Array[]): void;
  /** It is over. `said`: what the peer hears of it, `undefined` if it was the peer who ended it. */
  refused(reason: CircuitError, said: CircuitError | undefined): void;
}

type State =
  | { readonly at: 'greeting' }
  | { readonly at: 'computing' }
  | { readonly at: 'waiting'; readonly expected: Uint8Array }
  | { readonly at: 'over' };

/** A frame of the handshake, and what may wait behind HELLO while the MACs are computed. */
export const maxHandshakeBytes = 8192;
const failed = 'authentication failed';
const refusals: readonly ErrorCode[] = ['denied', 'timeout', 'protocol'];

/**
 * One side of the authentication (docs/protocol.md, section 13), without I/O.
 *
 *     greeting ─HELLO: compute─▶ computing ─computed (dialler: AUTH)─▶ waiting ─AUTH or PROOF is right: proved─▶ over
 *     any ─a frame that does not fit | GOAWAY | stop()─▶ over
 *
 * Holds at most two frames of the handshake; what comes behind the proof in the same read goes on to the session.
 */
export class AuthHandshake {
  readonly #role: Role;
  readonly #own: AuthHello;
  readonly #limits: SessionLimits;
  readonly #events: HandshakeEvents;
  #state: State = { at: 'greeting' };
  #pending: Uint8Array = nothing;
  #hello: Uint8Array = nothing;
  #answer: Uint8Array = nothing;

  constructor(role: Role, own: AuthHello, limits: SessionLimits, events: HandshakeEvents) {
    this.#role = role;
    this.#own = own;
    this.#limits = limits;
    this.#events = events;
  }

  stop(): void {
    this.#state = { at: 'over' };
    this.#pending = nothing;
  }

  receive(chunk: Uint8Array): void {
    if (this.#state.at === 'over') return;
    const whole = new Uint8Array(this.#pending.length + chunk.length);
    whole.set(this.#pending);
    whole.set(chunk, this.#pending.length);
    this.#pending = whole;
    this.#read();
  }

  /** Takes the MACs of both sides. */
  computed(macs: Readonly<Record<Role, Uint8Array>>): void {
    if (this.#state.at !== 'computing') return;
    const dialling = this.#role === 'dialler';
    this.#answer = macs[this.#role];
    this.#state = { at: 'waiting', expected: dialling ? macs.listener : macs.dialler };
    if (dialling) this.#events.write(frameType.auth, this.#answer);
    this.#read();
  }

  #read(): void {
    while (this.#state.at !== 'over') {
      const bytes = this.#pending;
      if (bytes.length < headerBytes) return;
      const length = ((bytes[1] as number) << 16) | ((bytes[2] as number) << 8) | (bytes[3] as number);
      const end = headerBytes + length;
      if (length > maxHandshakeBytes) {
        this.#fault(`frame type ${bytes[0]} of ${length} bytes before the proof, the limit is ${maxHandshakeBytes}`);
        return;
      }
      // A refusal is heard while the MACs are computed: the connection may end behind it.
      if (this.#state.at === 'computing' && bytes[0] !== frameType.goaway) {
        if (bytes.length > maxHandshakeBytes) this.#fault(`more than ${maxHandshakeBytes} bytes before the proof`);
        return;
      }
      if (bytes.length < end) return;
      this.#pending = bytes.subarray(end);
      this.#frame(this.#state, bytes.subarray(0, end));
    }
  }

  #frame(state: State, frame: Uint8Array): void {
    const type = frame[0] as number;
    const payload = new ByteCursor(frame, headerBytes, frame.length);
    const id = payload.varint();
    if (!payload.ok() || id !== 0) this.#fault(`frame type ${type} with id ${id} before the proof`);
    else if (state.at === 'greeting') this.#greeted(type, payload, frame);
    else if (type === frameType.goaway) this.#goodbye(payload);
    else if (state.at === 'waiting') this.#judge(type, payload.rest(), state.expected);
  }

  #greeted(type: number, payload: ByteCursor, frame: Uint8Array): void {
    if (type !== frameType.hello) {
      this.#fault(`frame type ${type} before HELLO`);
      return;
    }
    const whole = frame.slice(payload.offset);
    const hello = decodeHello(payload, this.#limits, readAuth);
    if (typeof hello === 'string') {
      this.#fault(hello);
      return;
    }
    const why = this.#misfit(hello.auth);
    if (why !== undefined) {
      this.#refuse(new CircuitError('denied', why));
      return;
    }
    this.#hello = frame.slice();
    this.#state = { at: 'computing' };
    this.#events.compute(hello.auth as AuthHello, whole);
  }

  /** Why a HELLO is not one of the other role's. */
  #misfit(auth: AuthHello | undefined): string | undefined {
    if (auth === undefined) return 'this side asks for authentication, the other offers none';
    if (auth.scheme !== authScheme) return `authentication scheme ${auth.scheme}, this side knows ${authScheme}`;
    if ((auth.identity === '') === (this.#role === 'listener') || sameMac(auth.nonce, this.#own.nonce)) {
      return `HELLO is not that of a ${this.#role === 'dialler' ? 'listener' : 'dialler'}`;
    }
    return undefined;
  }

  #judge(type: number, mac: Uint8Array, expected: Uint8Array): void {
    const wanted = this.#role === 'dialler' ? frameType.proof : frameType.auth;
    if (type !== wanted) {
      this.#fault(`frame type ${type} before the proof`);
      return;
    }
    if (mac.length !== macBytes) {
      this.#fault(`a proof of ${mac.length} bytes`);
      return;
    }
    if (!sameMac(mac, expected)) {
      this.#refuse(new CircuitError('denied', failed));
      return;
    }
    const rest = this.#pending;
    this.stop();
    if (this.#role === 'listener') this.#events.write(frameType.proof, this.#answer);
    this.#events.proved([this.#hello, rest]);
  }

  /** The peer gives up. Other words than those of a refusal mean nothing from somebody who has proved nothing. */
  #goodbye(payload: ByteCursor): void {
    const reason = readReason(payload);
    if (reason === undefined) {
      this.#fault('malformed GOAWAY');
      return;
    }
    this.stop();
    const heard = refusals.includes(reason.code)
      ? reason
      : new CircuitError('peer-gone', 'ended before it had proved its key');
    this.#events.refused(heard, undefined);
  }

  #fault(why: string): void {
    this.#refuse(new CircuitError('protocol', why));
  }

  #refuse(reason: CircuitError): void {
    this.stop();
    this.#events.refused(reason, reason);
  }
}

const nothing = new Uint8Array(0);
