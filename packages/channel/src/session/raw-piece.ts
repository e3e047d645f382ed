import type { CircuitError } from '@circuit/base';
import { frontCost } from './cost.js';
import type { OutReference } from './data-frame.js';

/** A piece that a relay passes on as it came. */
export interface RawPiece {
  readonly flags: number;
  /** Whole length of a message in several pieces, on its first. */
  readonly total: number;
  readonly refs: readonly OutReference[] | undefined;
  readonly first: boolean;
  readonly body: Uint8Array;
  /** To be told when the message is taken, if it asks for that, or why nobody will say so; on its first piece. */
  readonly taken: ((error?: CircuitError) => void) | undefined;
}

/** Where pieces come from that a relay passes on. */
export interface PieceSource {
  /** What cost so much of its credit is written, or never will be: the credit may be given back. */
  passed(cost: number): void;
}

/** Stands in a queue for the DROP of a message that was given up between two of its pieces. */
export const dropMark: RawPiece = {
  flags: 0,
  total: 0,
  refs: undefined,
  first: false,
  body: new Uint8Array(0),
  taken: undefined,
};

/** What a piece costs of the credit of the channel that it goes out on. */
export function pieceCost({ body, first, refs }: RawPiece): number {
  return body.length + (first ? frontCost(refs) : 0);
}
