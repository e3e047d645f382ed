/** Throws what a callback of the owner's threw where nobody catches it, as Node does with its own callbacks. */
export function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
