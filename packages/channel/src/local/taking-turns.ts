import { nextTurn } from './turn.js';

/** So many steps of pipes may follow each other; then others have theirs. */
const stepsPerTurn = 4096;
let steps = 0;

/**
 * What passes inside a process passes by promises alone, which run before timers and sockets: two sides that never pause would stop
 * everything else. Answers with a promise for the next turn when one is due.
 */
export function turnDue(): Promise<void> | undefined {
  return ++steps % stepsPerTurn === 0 ? new Promise(nextTurn) : undefined;
}
