import { CircuitError, type Random } from '@circuit/base';
import { uncaught } from '../session/uncaught.js';
import type { PeerInfo } from '../types.js';

/** Whether a session that may resume has a connection now. */
export type ResumeState = 'connected' | 'away';

/** How long and how much a session keeps while it has no connection. */
export interface ResumeOptions {
  /** Without a connection for so long the session fails with `peer-gone`; the smaller of both sides' holds. 100 to 86,400,000; default 30,000. */
  readonly timeMs?: number | undefined;
  /** What is kept of what the peer has not confirmed; senders wait from half of it on. 1 MiB to 1 GiB; default 8 MiB. */
  readonly bufferBytes?: number | undefined;
  /** For the pauses between attempts to dial. */
  readonly random?: Random | undefined;
  /**
   * Called when a session loses its connection (`reason` says how) and when it has one again. What it throws is an uncaught
   * exception and does not disturb the session.
   */
  readonly onState?: ((state: ResumeState, peer: PeerInfo, reason?: Error) => void) | undefined;
}

/** `true` for the defaults; `undefined` and `false` for none. */
export type Resume = boolean | ResumeOptions;

/** What a side offers, with every value in its bounds. */
export interface ResumeTerms {
  readonly timeMs: number;
  readonly bufferBytes: number;
}

export const minTimeMs = 100;
export const maxTimeMs = 86_400_000;
export const minBufferBytes = 1_048_576;
export const maxBufferBytes = 1_073_741_824;

/** The options with their defaults, `undefined` without resume. Throws `invalid` for a value out of its bounds. */
export function resolveResume(resume: Resume | undefined): (ResumeTerms & ResumeOptions) | undefined {
  if (resume === undefined || resume === false) return undefined;
  const options: ResumeOptions = resume === true ? {} : resume;
  const { timeMs = 30_000, bufferBytes = 8_388_608 } = options;
  const terms = { ...options, timeMs, bufferBytes };
  check('timeMs', terms.timeMs, minTimeMs, maxTimeMs);
  check('bufferBytes', terms.bufferBytes, minBufferBytes, maxBufferBytes);
  // Browsers have it in secure contexts only.
  if ((globalThis as { crypto?: { subtle?: unknown } }).crypto?.subtle === undefined) {
    throw new CircuitError('unsupported', 'resume: no WebCrypto here; a page has it when it came over https');
  }
  const { onState } = terms;
  return onState === undefined ? terms : { ...terms, onState: guarded(onState) };
}

function guarded(onState: NonNullable<ResumeOptions['onState']>): NonNullable<ResumeOptions['onState']> {
  return (...change) => {
    try {
      onState(...change);
    } catch (error) {
      uncaught(error);
    }
  };
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new CircuitError('invalid', `resume ${name}: ${value}, want a whole number from ${least} to ${most}`);
}
