/** What a page has in place of `follow.ts`: it passes nothing on undecoded. */
export function follow(): number {
  return 0;
}
