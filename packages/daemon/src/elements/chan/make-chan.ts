import type { Clock } from '@circuit/base';
import type { Maker } from '../element.js';
import { ChanElement } from './chan-element.js';
import type { HeldBudget } from './held-budget.js';

export interface ChanMakerOptions {
  readonly clock: Clock;
  readonly budget: HeldBudget;
  readonly maxWaiters: number;
}

/** Makes channel elements, which live in memory and end with the daemon. */
export function chanMaker(options: ChanMakerOptions): Maker<'mkchan'> {
  return ({ capacity }, place) => ({
    element: new ChanElement({ ...options, place, capacity }),
    response: { element: place.number },
  });
}
