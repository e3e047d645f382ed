import { nextTask } from './tasks.js';

declare function setImmediate(run: () => void): unknown;
declare const process: { readonly nextTick: (run: () => void) => void } | undefined;

/** Asked for once: on Node's global object it is behind a getter. */
const nextTick = typeof process === 'object' ? process.nextTick : undefined;
const resolved = Promise.resolve();

/**
 * Runs its argument at the end of the current turn, on any runtime: in Node behind the promise jobs of the turn (a tick asked for
 * during an I/O callback would run before them) and before I/O; elsewhere as the next task, for a promise job would run
 * between those of the turn, and what these send would go out one by one.
 */
export const endOfTurn: (run: () => void) => void =
  nextTick === undefined
    ? nextTask
    : (run) => {
        // Not `queueMicrotask`, which makes an asynchronous resource of every call.
        void resolved.then(() => nextTick(run));
      };

/** Runs its argument in a turn of its own, soon. */
export const nextTurn: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : nextTask;
