import {
  CircuitError,
  type Clock,
  deadline,
  linkSignals,
  pause,
  type Random,
  systemClock,
  systemRandom,
  toCircuitError,
  type WaitOptions,
} from '@circuit/base';
import type { Carrier } from '../session/carrier.js';
import { ChannelSession, type SessionOptions } from '../session/session.js';
import { whenProved } from '../session/when-proved.js';
import type { Session } from '../types.js';
import { FreshLink } from './fresh-link.js';
import { type Resume, type ResumeOptions, type ResumeTerms, resolveResume } from './options.js';
import { nonceBytes, prove, proves, secretBytes } from './proof.js';
import { ResumeCarrier } from './resume-carrier.js';

/** Makes one connection; called again for each that replaces it. */
export type ConnectCarrier = (options: WaitOptions) => Promise<Carrier>;

/** How a session is dialled, over any carrier. */
export interface DialSessionOptions extends WaitOptions {
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection; the listener must offer it. */
  readonly resume?: Resume | undefined;
}

/** What a dialler may take for the connection and the handshake together. */
const attemptMs = 10_000;
const firstPauseMs = 50;
const longestPauseMs = 2000;

/**
 * A session over what `connect` connects to. Without `resume` it fails with its connection. With it, a lost connection is
 * dialled again, after pauses of random length up to 50 ms, 100 ms … 2 s ("full jitter", Brooker 2015), until `timeMs` is
 * over. Rejects with what `connect` rejects with; with `unsupported` if the listener does not resume; with `denied` if it does
 * not prove the key that `session.auth` asks for.
 */
export async function dialSession(connect: ConnectCarrier, options: DialSessionOptions = {}): Promise<Session> {
  return whenProved(await beginSession(connect, options), options);
}

async function beginSession(
  connect: ConnectCarrier,
  { session, resume, signal }: DialSessionOptions,
): Promise<ChannelSession> {
  const terms = resolveResume(resume);
  if (terms === undefined) return new ChannelSession(await connect({ signal }), 'dialler', session);
  const clock = session?.clock ?? systemClock;
  const link = new FreshLink(await connect({ signal }), clock, attemptMs);
  try {
    link.say({ step: 'new', timeMs: terms.timeMs, bufferBytes: terms.bufferBytes });
    const answer = await link.step(true, { signal });
    if (answer.step !== 'started') throw unexpected(answer.step);
    const dialler = new Redialler(connect, clock, terms, answer);
    return new ChannelSession(dialler.carry(link, answer), 'dialler', session);
  } catch (error) {
    link.destroy();
    throw explain(error, link.carrier);
  }
}

/** Keeps a resuming session connected. */
class Redialler {
  readonly #connect: ConnectCarrier;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: ResumeTerms & ResumeOptions;
  readonly #id: Uint8Array;
  readonly #token: Uint8Array;
  #attempts: AbortController | undefined;

  constructor(
    connect: ConnectCarrier,
    clock: Clock,
    options: ResumeTerms & ResumeOptions,
    { id, token }: { readonly id: Uint8Array; readonly token: Uint8Array },
  ) {
    this.#connect = connect;
    this.#clock = clock;
    this.#random = options.random ?? systemRandom;
    this.#options = options;
    this.#id = id;
    this.#token = token;
  }

  carry(link: FreshLink, peer: ResumeTerms): ResumeCarrier {
    const { timeMs, bufferBytes, onState } = this.#options;
    const carrier = new ResumeCarrier(link, {
      clock: this.#clock,
      timeMs: Math.min(timeMs, peer.timeMs),
      bufferBytes,
      peerBufferBytes: peer.bufferBytes,
      onAway: (reason) => {
        onState?.('away', carrier.peer, reason);
        void this.#redial(carrier);
      },
      onConnected: () => onState?.('connected', carrier.peer),
      onOver: () => this.#attempts?.abort(),
    });
    return carrier;
  }

  async #redial(carrier: ResumeCarrier): Promise<void> {
    const attempts = new AbortController();
    this.#attempts = attempts;
    // Timers of the clock keep no process alive, and an away session has nothing else.
    const hold = setInterval(nothing, 1_000_000);
    try {
      for (let ceiling = firstPauseMs; carrier.state === 'away'; ceiling = Math.min(ceiling * 2, longestPauseMs)) {
        await pause(this.#clock, this.#random.next() * ceiling, { signal: attempts.signal });
        await this.#attempt(carrier, attempts.signal);
      }
    } catch {
      // Only the end of the session ends the attempts.
    } finally {
      clearInterval(hold);
    }
  }

  async #attempt(carrier: ResumeCarrier, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.#clock, attemptMs, 'dial again');
    const linked = linkSignals(signal, limit.signal);
    let link: FreshLink | undefined;
    try {
      link = new FreshLink(await this.#connect({ signal: linked.signal }), this.#clock, attemptMs);
      await this.#handshake(carrier, link, linked.signal);
    } catch (error) {
      link?.destroy();
      if (error instanceof Refused) carrier.giveUp(new CircuitError('peer-gone', error.message));
      else carrier.complain(toCircuitError(error).message);
    } finally {
      linked.dispose();
      limit.dispose();
    }
  }

  async #handshake(carrier: ResumeCarrier, link: FreshLink, signal: AbortSignal): Promise<void> {
    const nonce = secretBytes(nonceBytes);
    link.say({ step: 'again', id: this.#id, nonce });
    const challenge = await link.step(false, { signal });
    if (challenge.step !== 'challenge') throw refusal(challenge);
    const text = { id: this.#id, diallerNonce: nonce, listenerNonce: challenge.nonce };
    if (!(await proves(this.#token, 'listener', text, challenge.proof))) {
      throw new CircuitError('denied', 'resume: the listener does not prove that it knows the session');
    }
    const { received } = carrier;
    link.say({ step: 'proof', received, proof: await prove(this.#token, 'dialler', { ...text, received }) });
    const answer = await link.step(true, { signal });
    if (answer.step !== 'go-on') throw refusal(answer);
    carrier.resume(link, answer.received);
  }
}

/** The listener does not know the session, or does not believe this side. */
class Refused extends Error {}

function refusal(answer: { readonly step: string; readonly code?: string; readonly message?: string }): Error {
  if (answer.step !== 'refused') return unexpected(answer.step);
  const message = answer.message ?? '';
  if (answer.code === 'limit') return new CircuitError('limit', message, { retryable: true });
  return new Refused(message);
}

function unexpected(step: string): CircuitError {
  return new CircuitError('protocol', `RESUME: step ${step} is not what was asked for`);
}

function explain(error: unknown, carrier: Carrier): CircuitError {
  const { code, message, retryable } = toCircuitError(error);
  const where = `dial ${carrier.peer.carrier} ${carrier.peer.address}`;
  const what = code === 'unsupported' ? 'the other side does not resume sessions; dial without resume' : message;
  return new CircuitError(code, `${where}: ${what}`, { cause: error, retryable });
}

function nothing(): void {}
