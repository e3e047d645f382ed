/** Nothing to wait for: the answer of a send that was written at once, and a way to the end of the promise jobs there are. */
export const resolved: Promise<void> = Promise.resolve();
