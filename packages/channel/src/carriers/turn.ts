import { nextTask } from './tasks.js';

declare function setImmediate(run: () => void): unknown;
declare const process: { nextTick(run: () => void): void } | undefined;

/**
 * Runs its argument at the end of the current turn, on any runtime: in Node behind the promise jobs of the turn and before
 * I/O; elsewhere as the next task, for a promise job would run between those of the turn, and what these send would go out
 * one by one.
 */
export const endOfTurn: (run: () => void) => void =
  typeof process === 'object' && typeof process.nextTick === 'function'
    ? (run) => queueMicrotask(() => process.nextTick(run))
    : nextTask;

/** Runs its argument in a turn of its own, soon. */
export const nextTurn: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : nextTask;
