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

/** Runs its argument as the next task. */
export function nextTask(run: () => void): void {
  tasks.add(run);
}
