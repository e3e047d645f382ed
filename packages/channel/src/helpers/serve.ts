import { toCircuitError, type WaitOptions } from '@circuit/base';
import { pipe } from '../local/pipe.js';
import type { Receiver, Sender } from '../types.js';

/** Deals with one message; answers through `ret`, which is closed when it ends, and aborted with what it throws. */
export type Handler<T> = (value: T, ret: Sender) => void | Promise<void>;

/**
 * Calls `handler` for every message of `receiver` until the channel ends; calls overlap. Resolves when the last one has ended.
 * Rejects with what the channel fails with, after the calls under way.
 */
export async function serve<T>(
  receiver: Receiver<T>,
  handler: Handler<T>,
  { signal }: WaitOptions = {},
): Promise<void> {
  const running = new Set<Promise<void>>();
  try {
    for (;;) {
      const message = await receiver.receive({ signal });
      if (message.done) return;
      const call = handle(handler, message.value, message.ret).finally(() => running.delete(call));
      running.add(call);
    }
  } finally {
    await Promise.all(running);
  }
}

/** A handler as the sending end of a channel: what is sent to it is a call, and it can be sent to others. */
export function handlerSender<T>(handler: Handler<T>): Sender<T> {
  const { sender, receiver } = pipe<T>();
  serve(receiver, handler).catch(ignore);
  return sender;
}

async function handle<T>(handler: Handler<T>, value: T, ret: Sender): Promise<void> {
  try {
    await handler(value, ret);
    ret.close();
  } catch (error) {
    ret.abort(toCircuitError(error));
  }
}

function ignore(): void {}
