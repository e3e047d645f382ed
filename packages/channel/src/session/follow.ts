import * as dataFlag from '../wire/data-flag.js';
import type { InPiece } from './in-message.js';

/**
 * Checks a piece that goes on undecoded, of a message of which `left` bytes are still to come: the session behind the relay would take the blame
 * for it, with all that it carries. Answers with how many are left then, or with what is wrong. An empty piece costs no credit.
 */
export function follow({ flags, body }: InPiece, first: boolean, left: number): number | string {
  const rest = left - body.length;
  if ((flags & dataFlag.more) === 0) return rest === 0 ? 0 : 'a message of another length than was announced';
  if (!first && body.length === 0) return 'an empty piece of a message';
  return rest < (first ? 1 : 0) ? 'a message of another length than was announced' : rest;
}
