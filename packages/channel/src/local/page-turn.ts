/** What a page has in place of `turn.ts`: the next task is the end of the turn. */
export { nextTask as endOfTurn, nextTask as nextTurn } from './tasks.js';
