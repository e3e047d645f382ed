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
    : (run) => tasks.add(run);

/** Runs its argument in a turn of its own, soon. */
export const nextTurn: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : (run) => tasks.add(run);

/** Tasks without the 4 ms, in a background page the second, that browsers make of every timer. */
class Tasks {
  readonly #waiting: (() => void)[] = [];
  #channel: InstanceType<typeof MessageChannel> | undefined;

  add(run: () => void): void {
    this.#channel ??= this.#open();
    this.#waiting.push(run);
    this.#channel.port2.postMessage(null);
  }

  #open(): InstanceType<typeof MessageChannel> {
    const channel = new MessageChannel();
    channel.port1.addEventListener('message', () => this.#waiting.shift()?.());
    channel.port1.start();
    return channel;
  }
}

const tasks = new Tasks();
