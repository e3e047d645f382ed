/** What a page has in place of `blocks.ts`: its streams are pumped. */
export function written(): void {}
