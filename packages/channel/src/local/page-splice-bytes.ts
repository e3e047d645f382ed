/** What a page has in place of `splice-bytes.ts`: its streams are pumped. */
export function spliceBytes(): boolean {
  return false;
}
