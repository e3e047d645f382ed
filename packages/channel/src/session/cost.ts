import { messageCost, refCost } from '../wire/frame.js';

/** What a message costs of its channel's credit besides its body. */
export function frontCost(refs: readonly unknown[] | undefined): number {
  return messageCost + (refs?.length ?? 0) * refCost;
}
