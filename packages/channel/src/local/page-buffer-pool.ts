/** What a page has in place of `buffer-pool.ts`: its streams are pumped. */
export function release(): void {}
