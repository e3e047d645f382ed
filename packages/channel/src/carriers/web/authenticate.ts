import type { IncomingHttpHeaders } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import { CircuitError, type Clock, checkFunction, checkMs, deadline, orAborted, toCircuitError } from '@circuit/base';
import type { OnRefused } from '../on-refused.js';
import { tellOwner } from '../tell-owner.js';

/** What is known of who wants a session, before any of its frames. */
export interface AuthenticationRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly path: string;
  /** Names in lower case. Behind a proxy they are as trustworthy as what it passes on. */
  readonly headers: IncomingHttpHeaders;
  /** `host:port` of the connection: of a proxy, if one stands between. */
  readonly remoteAddress: string;
  /** Of a connection over TLS whose server asked for one; whether it is trusted is `authorized`. */
  readonly peerCertificate?: PeerCertificate;
  /** Whether the certificate comes from an authority that the server trusts. */
  readonly authorized?: boolean;
  /** Fires when the time for the answer is over. */
  readonly signal: AbortSignal;
}

/** Let in, with what `peer.identity` of the session shall be, all but `undefined`; or not. */
export type Authentication = { readonly identity: unknown } | Refusal;

/** Who dials is not let in: answered before any frame, over HTTP by 401. */
export interface Refusal {
  /** 401: who are you; 403: not you. */
  readonly refuse: 401 | 403;
  /** `WWW-Authenticate` of the answer, such as `Basic realm="channels"`. */
  readonly challenge?: string | undefined;
}

/**
 * Decides who gets a session. What it throws, and an answer that is neither an identity nor a refusal, is answered by 500 without
 * details and told to `onRefused`.
 */
export type Authenticate = (request: AuthenticationRequest) => Authentication | Promise<Authentication>;

/** What listeners over HTTP take to decide who comes in. */
export interface AdmissionOptions {
  /** Left out: everybody. */
  readonly authenticate?: Authenticate | undefined;
  /** How long `authenticate` may take; then 503. Default 10,000. */
  readonly authenticateMs?: number | undefined;
  /** Requests that wait for it; more are answered by 503. Default 256. */
  readonly maxPending?: number | undefined;
  /** Called for requests that were not let in; for a log line. What it throws is dropped, and the request answered all the same. */
  readonly onRefused?: OnRefused | undefined;
}

/** Let in, or the answer to give. */
export type Admission =
  | { readonly admitted: true; readonly identity: unknown }
  | { readonly admitted: false; readonly status: number; readonly text: string; readonly challenge?: string };

/** Asks `authenticate`, within its bounds. Rejects never. */
export class Admitter {
  readonly #options: AdmissionOptions;
  readonly #clock: Clock;
  #pending = 0;

  /** Throws `invalid` for bounds that cannot be kept. */
  constructor(options: AdmissionOptions, clock: Clock) {
    const { authenticate, authenticateMs, maxPending = 1 } = options;
    if (authenticate !== undefined) checkFunction('authenticate', authenticate);
    checkMs('authenticateMs', authenticateMs);
    if (!(maxPending >= 1)) throw new CircuitError('invalid', `maxPending: ${maxPending}, want a number from 1`);
    this.#options = options;
    this.#clock = clock;
  }

  async admit(request: Omit<AuthenticationRequest, 'signal'>): Promise<Admission> {
    const { authenticate, authenticateMs = 10_000, maxPending = 256 } = this.#options;
    if (authenticate === undefined) return { admitted: true, identity: undefined };
    const { remoteAddress } = request;
    if (this.#pending >= maxPending) {
      return this.refuse(remoteAddress, 503, 'busy', `${maxPending} requests wait for authentication already`);
    }
    const limit = deadline(this.#clock, authenticateMs, 'authenticate');
    const { signal } = limit;
    this.#pending++;
    try {
      const answer = await orAborted(Promise.resolve(authenticate({ ...request, signal })), signal);
      checkAnswer(answer);
      if (!('refuse' in answer)) return { admitted: true, identity: answer.identity };
      const { refuse, challenge } = answer;
      const refusal = this.refuse(remoteAddress, refuse, refuse === 401 ? 'unauthorized' : 'forbidden');
      return challenge === undefined ? refusal : { ...refusal, challenge };
    } catch (error) {
      const late = signal.aborted;
      return this.refuse(remoteAddress, late ? 503 : 500, late ? 'busy' : 'failed', toCircuitError(error).message);
    } finally {
      limit.dispose();
      this.#pending--;
    }
  }

  /** The answer to a request that does not come in; `reason` stays here. */
  refuse(
    address: string,
    status: number,
    text: string,
    reason: string = text,
  ): Admission & { readonly admitted: false } {
    tellOwner(this.#options.onRefused, address, `${status}: ${reason}`);
    return { admitted: false, status, text };
  }
}

/** Throws for what is neither: an identity that nobody found, a status of another meaning, a challenge that is no header. */
function checkAnswer(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) throw new Error(`authenticate answered ${JSON.stringify(answer)}`);
  const { identity, refuse, challenge } = answer as { identity?: unknown; refuse?: unknown; challenge?: unknown };
  if (!('refuse' in answer)) {
    if (identity === undefined) throw new Error('authenticate answered without an identity');
    return;
  }
  if (refuse !== 401 && refuse !== 403)
    throw new Error(`authenticate refused with ${JSON.stringify(refuse)}, want 401 or 403`);
  if (challenge !== undefined && !(typeof challenge === 'string' && headerText.test(challenge))) {
    throw new Error(`challenge ${JSON.stringify(challenge)}: characters that no header may have`);
  }
}

/** Visible ASCII and blanks: RFC 9110, 5.5. */
const headerText = /^[\x20-\x7e]*$/;
