/** What a page has in place of `hello-tail.ts`, so that it has less to load: it hands no descriptors over and takes no end home. */
export function encodeTail(): readonly number[] {
  return [];
}

/** A page does not look at what a peer says either. */
export function readTail(): object {
  return {};
}

export function heardTail(): void {}
