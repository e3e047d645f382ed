/**
 * What a page has in place of `away-of.ts`, so that it has less to load: it takes no end home. HOME may be ignored, and an end
 * that comes back to a page runs through the other side.
 */
export function awayOf(): undefined {
  return undefined;
}

/** A page does not listen for them either. */
export function homecomings(): undefined {
  return undefined;
}
