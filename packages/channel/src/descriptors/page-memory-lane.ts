/** What a page has in place of `memory-lane.ts`: it has no descriptors. */
export function memoryLanes(): readonly undefined[] {
  return [];
}
