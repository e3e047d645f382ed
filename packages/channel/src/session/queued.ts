import type { CircuitError } from '@circuit/base';
import { maxBodyBytes } from '../wire/frame.js';
import { frontCost } from './cost.js';
import type { OutReference } from './data-frame.js';
import { pieceCost, type RawPiece } from './raw-piece.js';

/** A message, or a piece of a relayed one, that waits for credit or for the carrier. */
export interface Queued {
  readonly body: Uint8Array;
  /** How much of the body is written. */
  offset: number;
  readonly refs: readonly OutReference[] | undefined;
  readonly flags: number;
  readonly raw: RawPiece | undefined;
  readonly resolve: () => void;
  readonly reject: (error: CircuitError) => void;
  /** Takes the listener off `signal`. */
  release: (() => void) | undefined;
  readonly signal: AbortSignal | undefined;
  /** `RawSendOptions.handedOn`. */
  readonly handedOn: (() => void) | undefined;
}

/** A relayed piece with `body`, a copy of its own; `settle` runs when it is written or will never be. */
export function queuedPiece(raw: RawPiece, body: Uint8Array, settle: () => void): Queued {
  return {
    body,
    offset: 0,
    refs: raw.refs,
    flags: raw.flags,
    raw,
    resolve: settle,
    reject: settle,
    release: undefined,
    signal: undefined,
    handedOn: undefined,
  };
}

/** What its next frame costs of the channel's credit. */
export function nextCost({ raw, offset, refs, body }: Queued): number {
  if (raw !== undefined) return pieceCost(raw);
  return (offset === 0 ? frontCost(refs) : 0) + Math.min(body.length - offset, maxBodyBytes);
}
