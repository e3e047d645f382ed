/**
 * Waits until `predicate` holds, looking every few milliseconds. The bound (30 s) is a hang guard, not an expectation:
 * on reaching it the error names `what`.
 */
export async function until(
  what: string,
  predicate: () => boolean | Promise<boolean>,
  { boundMs = 30_000 }: { boundMs?: number } = {},
): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await predicate())) {
    if (performance.now() > end) throw new Error(`waited ${boundMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
