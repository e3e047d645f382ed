import { CircuitError, type Clock, systemClock } from '@circuit/base';
import type { Carrier, CarrierEvents } from '../session/carrier.js';
import { checkSessionOptions } from '../session/check-options.js';
import type { SessionOptions } from '../session/options.js';
import { ChannelSession } from '../session/session.js';
import { Deliveries } from '../session/when-proved.js';
import type { Session } from '../types.js';
import { resumeType } from '../wire/frame.js';
import { FreshLink } from './fresh-link.js';
import type { Step } from './handshake.js';
import { type Resume, type ResumeOptions, type ResumeTerms, resolveResume } from './options.js';
import { idBytes, nonceBytes, prove, proves, secretBytes, tokenBytes } from './proof.js';
import { ResumeCarrier } from './resume-carrier.js';
import { sameIdentity } from './same-identity.js';

/** How connections that came in become sessions, over any carrier. */
export interface SessionDoorOptions {
  readonly session?: SessionOptions | undefined;
  /** Offers diallers to keep their sessions over a broken connection. */
  readonly resume?: Resume | undefined;
  /**
   * Called for each session, with `auth` when it has proved its key; owns it from then on. If it throws the session is
   * ended, and the process hears of it as of any uncaught exception.
   */
  readonly onSession: (session: Session) => void;
}

interface Held {
  readonly id: string;
  readonly token: Uint8Array;
  readonly carrier: ResumeCarrier;
  /** Which connection it uses, counted as they came in. */
  serial: number;
}

/** A connection that came in. */
interface Arrival {
  /** Which one, counted as they came in. */
  readonly serial: number;
  readonly heard: () => void;
}

/** How long a connection may take for its handshake, or for its first byte. */
export const handshakeMs = 10_000;
/** Connections in their handshake at once; of more the oldest is refused. */
export const maxHandshakes = 1024;
/** Sessions without a connection at once; of more the one longest away is given up. */
export const maxAwaySessions = 1024;

/** Where connections of one listener become sessions: new ones, or the next connection of one that resumes. */
export class SessionDoor {
  readonly #options: SessionDoorOptions;
  readonly #deliveries: Deliveries;
  readonly #resume: (ResumeTerms & ResumeOptions) | undefined;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Held>();
  readonly #away = new Set<Held>();
  readonly #handshakes = new Set<FreshLink>();
  #serial = 0;
  #closed = false;

  /** Throws `invalid` for options out of their bounds, `unsupported` for an unknown codec. */
  constructor(options: SessionDoorOptions) {
    this.#options = options;
    this.#deliveries = new Deliveries(options.session, options.onSession);
    checkSessionOptions(options.session, 'listener');
    this.#resume = resolveResume(options.resume);
    this.#clock = options.session?.clock ?? systemClock;
  }

  /** Sessions that may resume, those of them without a connection, and connections in their handshake. */
  get counts(): { readonly resumable: number; readonly away: number; readonly handshakes: number } {
    return { resumable: this.#sessions.size, away: this.#away.size, handshakes: this.#handshakes.size };
  }

  /**
   * Takes over a connection that has passed the carrier's own authentication. Calls `heard` when its peer has said HELLO, and proved its key
   * if it is to prove one; or, as one that resumes, that the session is its own.
   */
  accept(carrier: Carrier, heard: () => void = ignore): void {
    if (this.#closed) carrier.destroy();
    else if (this.#resume === undefined) this.#begin(carrier, heard);
    else void this.#greet(carrier, this.#resume, heard);
  }

  /** Drops connections that are no session yet and gives up the sessions that are away: nobody will take them in again. */
  close(): void {
    this.#closed = true;
    for (const link of this.#handshakes) link.destroy();
    this.#deliveries.close();
    for (const held of this.#away) held.carrier.giveUp(listenerClosed());
  }

  #begin(carrier: Carrier, heard: () => void): void {
    // The last of its handshake may have been on its way to us when the door closed.
    if (this.#closed) {
      carrier.destroy();
      return;
    }
    const session = new ChannelSession(carrier, 'listener', this.#options.session);
    session.ready.then(heard, ignore);
    this.#deliveries.add(session);
  }

  async #greet(carrier: Carrier, resume: ResumeTerms & ResumeOptions, heard: () => void): Promise<void> {
    const serial = ++this.#serial;
    const link = new FreshLink(carrier, this.#clock, handshakeMs, this.#options.session?.busyPollMs);
    this.#handshakes.add(link);
    if (this.#handshakes.size > maxHandshakes) this.#refuseOldest();
    try {
      if ((await link.firstByte()) !== resumeType) {
        this.#begin(new PlainCarrier(link), heard);
        return;
      }
      const step = await link.step(false);
      if (step.step === 'new') this.#start(link, resume, step, { serial, heard });
      else if (step.step === 'again') await this.#again(link, step, { serial, heard });
      else link.refuse('protocol', `RESUME: step ${step.step} is not how a connection begins`);
    } catch (error) {
      if (link.open) link.refuse('protocol', error instanceof Error ? error.message : String(error));
    } finally {
      this.#handshakes.delete(link);
    }
  }

  #refuseOldest(): void {
    const [oldest] = this.#handshakes;
    if (oldest === undefined) return;
    this.#handshakes.delete(oldest);
    oldest.refuse('limit', `more than ${maxHandshakes} connections in their handshake`);
    oldest.destroy();
  }

  #start(link: FreshLink, resume: ResumeTerms & ResumeOptions, peer: ResumeTerms, { serial, heard }: Arrival): void {
    const [id, token] = [secretBytes(idBytes), secretBytes(tokenBytes)];
    const { bufferBytes, onState } = resume;
    const timeMs = Math.min(resume.timeMs, peer.timeMs);
    const carrier = new ResumeCarrier(link, {
      clock: this.#clock,
      timeMs,
      bufferBytes,
      peerBufferBytes: peer.bufferBytes,
      onAway: (reason) => {
        onState?.('away', carrier.peer, reason);
        this.#wentAway(held);
      },
      onConnected: () => {
        this.#away.delete(held);
        onState?.('connected', carrier.peer);
      },
      onOver: () => {
        this.#away.delete(held);
        this.#sessions.delete(held.id);
      },
    });
    const held: Held = { id: hex(id), token, carrier, serial };
    this.#sessions.set(held.id, held);
    link.say({ step: 'started', id, token, timeMs, bufferBytes });
    this.#begin(carrier, heard);
  }

  #wentAway(held: Held): void {
    this.#away.add(held);
    if (this.#closed) {
      held.carrier.giveUp(listenerClosed());
      return;
    }
    if (this.#away.size <= maxAwaySessions) return;
    const [longest] = this.#away;
    longest?.carrier.giveUp(new CircuitError('peer-gone', `more than ${maxAwaySessions} sessions are away`));
  }

  async #again(link: FreshLink, again: Extract<Step, { step: 'again' }>, { serial, heard }: Arrival): Promise<void> {
    const id = hex(again.id);
    const held = this.#sessions.get(id);
    if (held === undefined) {
      link.refuse('gone', 'no such session here: it has ended, or this listener began anew');
      return;
    }
    const { token, carrier } = held;
    if (!sameIdentity(link.carrier.peer, carrier.peer)) {
      link.refuse('denied', 'the session belongs to another identity');
      return;
    }
    const nonce = secretBytes(nonceBytes);
    const text = { id: again.id, diallerNonce: again.nonce, listenerNonce: nonce };
    link.say({ step: 'challenge', nonce, proof: await prove(token, 'listener', text) });
    const answer = await link.step(false);
    if (answer.step !== 'proof') {
      link.refuse('protocol', `RESUME: step ${answer.step}, a proof was asked for`);
      return;
    }
    const { received, proof } = answer;
    if (!(await proves(token, 'dialler', { ...text, received }, proof))) link.refuse('denied', 'wrong proof');
    else if (this.#sessions.get(id) !== held) link.refuse('gone', 'the session has ended');
    else if (serial < held.serial || !link.open) link.destroy();
    else {
      held.serial = serial;
      heard();
      carrier.resume(link, received, (own) => link.say({ step: 'go-on', received: own }));
    }
  }
}

/** The connection of a dialler that does not resume, with what it has said already. */
class PlainCarrier implements Carrier {
  readonly #link: FreshLink;

  constructor(link: FreshLink) {
    this.#link = link;
  }

  get peer(): Carrier['peer'] {
    return this.#link.carrier.peer;
  }

  get bufferedBytes(): number {
    return this.#link.carrier.bufferedBytes;
  }

  schedule(run: () => void): void {
    this.#link.carrier.schedule(run);
  }

  start(events: CarrierEvents): void {
    this.#link.handOver(events);
  }

  write(pieces: Uint8Array[], bytes: number): unknown {
    return this.#link.carrier.write(pieces, bytes);
  }

  end(): void {
    this.#link.carrier.end();
  }

  destroy(): void {
    this.#link.carrier.destroy();
  }
}

function listenerClosed(): CircuitError {
  return new CircuitError('peer-gone', 'away, and the listener was closed');
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function ignore(): void {}
