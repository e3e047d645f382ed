import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import { pipe } from '../local/pipe.js';
import type { Receiver, Sender } from '../types.js';

/**
 * Deals with one message; answers through `ret`, which is closed when it ends, and aborted with what it throws. What it gives back is
 * awaited and otherwise ignored.
 */
export type Handler<T, A = unknown> = (value: T, ret: Sender<A>) => unknown;

/** How `serve` takes messages. */
export interface ServeOptions extends WaitOptions {
  /** Calls under way at once; while there are so many no message is taken, and the sender waits. Default 1,000. */
  readonly concurrency?: number | undefined;
}

export const defaultConcurrency = 1000;

/**
 * Calls `handler` for every message of `receiver` until the channel ends; calls overlap, up to `concurrency` of them. Resolves when the
 * last one has ended. Rejects with what the channel fails with, after the calls under way; with `invalid` for a concurrency below 1.
 */
export async function serve<T, A = unknown>(
  receiver: Receiver<T>,
  handler: Handler<T, A>,
  { signal, concurrency = defaultConcurrency }: ServeOptions = {},
): Promise<void> {
  if (!(concurrency >= 1)) throw new CircuitError('invalid', `serve: concurrency ${concurrency}, want at least 1`);
  const running = new Set<Promise<void>>();
  let ended: () => void = ignore;
  try {
    for (;;) {
      // The signal need not be heard here: the calls under way are waited for all the same.
      if (running.size >= concurrency) await new Promise<void>((resolve) => (ended = resolve));
      const message = await receiver.receive({ signal });
      if (message.done) return;
      const call = handle(handler, message.value, message.ret).finally(() => {
        running.delete(call);
        ended();
      });
      running.add(call);
    }
  } finally {
    await Promise.all(running);
  }
}

/**
 * A handler as the sending end of a channel: what is sent to it is a call, and it can be sent to others. Values sent in this process pass by
 * reference, as in a pipe: the handler gets the value itself, and a send gives it away. Over a session it gets a copy.
 */
export function handlerSender<T, A = unknown>(handler: Handler<T, A>): Sender<T> {
  const { sender, receiver } = pipe<T>();
  serve(receiver, handler).catch(ignore);
  return sender;
}

async function handle<T, A>(handler: Handler<T, A>, value: T, ret: Sender): Promise<void> {
  try {
    await handler(value, ret);
    ret.close();
  } catch (error) {
    ret.abort(toCircuitError(error, 'aborted'));
  }
}

function ignore(): void {}
