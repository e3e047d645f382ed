import {
  abortError,
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
import { checkSessionOptions } from '../session/check-options.js';
import type { SessionOptions } from '../session/options.js';
import { ChannelSession } from '../session/session.js';
import { whenProved } from '../session/when-proved.js';
import { FreshLink } from './fresh-link.js';
import { type Resume, type ResumeOptions, type ResumeTerms, resolveResume } from './options.js';
import { nonceBytes, prove, proves, secretBytes } from './proof.js';
import { ResumeCarrier } from './resume-carrier.js';
import { goneSegment } from './segments.js';

/** Makes one connection; called again for each that replaces it. */
export type ConnectCarrier = (options: WaitOptions) => Promise<Carrier>;

/** How a session is dialled, over any carrier. */
export interface DialSessionOptions extends WaitOptions {
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection; the listener must offer it. */
  readonly resume?: Resume | undefined;
}

/** What a dialler may take for the connection and the handshake together. */
export const attemptMs = 10_000;
const firstPauseMs = 50;
export const longestPauseMs = 2000;
const farewellAttempts = 5;

/**
 * A session over what `connect` connects to. Without `resume` it fails with its connection. With it, a lost connection is
 * dialled again, after pauses of random length up to 50 ms, 100 ms … 2 s ("full jitter", Brooker 2015), until `timeMs` is
 * over. Rejects with what `connect` rejects with; with `unsupported` if the listener does not resume; with `denied` if it does
 * not prove the key that `session.auth` asks for.
 */
export async function dialSession(connect: ConnectCarrier, options: DialSessionOptions = {}): Promise<ChannelSession> {
  return whenProved(await beginSession(connect, options), options);
}

async function beginSession(
  connect: ConnectCarrier,
  { session, resume, signal }: DialSessionOptions,
): Promise<ChannelSession> {
  checkSessionOptions(session, 'dialler');
  const terms = resolveResume(resume);
  if (terms === undefined) return new ChannelSession(await connect({ signal }), 'dialler', session);
  const clock = session?.clock ?? systemClock;
  const begin: BeginLink = async (wait) => new FreshLink(await connect(wait), clock, attemptMs, session?.busyPollMs);
  const link = await begin({ signal });
  try {
    link.say({ step: 'new', timeMs: terms.timeMs, bufferBytes: terms.bufferBytes });
    const answer = await link.step(true, { signal });
    if (answer.step !== 'started') throw unexpected(answer.step);
    const dialler = new Redialler(begin, clock, terms, answer);
    return new ChannelSession(dialler.carry(link, answer), 'dialler', session);
  } catch (error) {
    link.destroy();
    // Who gave it up says what was given up.
    throw signal?.aborted ? abortError(signal) : explain(error, link.carrier);
  }
}

/** Makes a connection on which nothing is said yet. */
type BeginLink = (wait: WaitOptions) => Promise<FreshLink>;

/** Keeps a resuming session connected. */
class Redialler {
  readonly #begin: BeginLink;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: ResumeTerms & ResumeOptions;
  readonly #id: Uint8Array;
  readonly #token: Uint8Array;
  #attempts: AbortController | undefined;
  /** The longest that the next pause may be; what was received when it was at its first. */
  #ceiling = firstPauseMs;
  #received = 0;

  constructor(
    begin: BeginLink,
    clock: Clock,
    options: ResumeTerms & ResumeOptions,
    { id, token }: { readonly id: Uint8Array; readonly token: Uint8Array },
  ) {
    this.#begin = begin;
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
      onUnheard: (reason) => void this.#farewell(carrier, reason),
    });
    return carrier;
  }

  async #redial(carrier: ResumeCarrier): Promise<void> {
    // A connection may break within the very attempt that made it: that one goes on. Two at once would disagree on what was received.
    if (this.#attempts !== undefined) return;
    const attempts = new AbortController();
    this.#attempts = attempts;
    // Timers of the clock keep no process alive, and an away session has nothing else.
    const hold = setInterval(nothing, 1_000_000);
    try {
      // A listener that takes the session up and hangs up, or a proxy without one, is not asked more often than one that is away.
      if (carrier.received > this.#received) this.#ceiling = firstPauseMs;
      this.#received = carrier.received;
      for (; carrier.state === 'away'; this.#ceiling = Math.min(this.#ceiling * 2, longestPauseMs)) {
        await pause(this.#clock, this.#random.next() * this.#ceiling, { signal: attempts.signal });
        await this.#attempt(carrier, attempts.signal);
      }
    } catch {
      // Only the end of the session ends the attempts.
    } finally {
      this.#attempts = undefined;
      clearInterval(hold);
    }
  }

  async #attempt(carrier: ResumeCarrier, signal: AbortSignal): Promise<void> {
    try {
      await this.#reach(carrier, signal, (link, peerReceived) => carrier.resume(link, peerReceived));
    } catch (error) {
      if (error instanceof Refused) carrier.giveUp(new CircuitError('peer-gone', error.message));
      else carrier.complain(toCircuitError(error).message);
    }
  }

  /** The listener would wait for this side until its time is over: tells it that nobody comes. */
  async #farewell(carrier: ResumeCarrier, reason: string): Promise<void> {
    const never = new AbortController();
    for (let attempt = 0; attempt < farewellAttempts; attempt++) {
      try {
        await this.#reach(carrier, never.signal, (link) => {
          const segment = goneSegment(reason);
          link.carrier.write([segment], segment.length);
          link.end();
        });
        return;
      } catch (error) {
        if (error instanceof Refused) return;
        await pause(this.#clock, this.#random.next() * firstPauseMs);
      }
    }
  }

  /** Makes a connection that has been proved on both sides and gives it to `use`. */
  async #reach(
    carrier: ResumeCarrier,
    signal: AbortSignal,
    use: (link: FreshLink, peerReceived: number) => void,
  ): Promise<void> {
    const limit = deadline(this.#clock, attemptMs, 'dial again');
    const linked = linkSignals(signal, limit.signal);
    let link: FreshLink | undefined;
    try {
      link = await this.#begin({ signal: linked.signal });
      use(link, await this.#handshake(carrier.received, link, linked.signal));
    } catch (error) {
      link?.destroy();
      throw error;
    } finally {
      linked.dispose();
      limit.dispose();
    }
  }

  /** Proves the token on both sides; answers with what the listener has received. */
  async #handshake(received: number, link: FreshLink, signal: AbortSignal): Promise<number> {
    const nonce = secretBytes(nonceBytes);
    link.say({ step: 'again', id: this.#id, nonce });
    const challenge = await link.step(false, { signal });
    if (challenge.step !== 'challenge') throw refusal(challenge);
    const text = { id: this.#id, diallerNonce: nonce, listenerNonce: challenge.nonce };
    if (!(await proves(this.#token, 'listener', text, challenge.proof))) {
      throw new CircuitError('denied', 'resume: the listener does not prove that it knows the session');
    }
    link.say({ step: 'proof', received, proof: await prove(this.#token, 'dialler', { ...text, received }) });
    const answer = await link.step(true, { signal });
    if (answer.step !== 'go-on') throw refusal(answer);
    return answer.received;
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
