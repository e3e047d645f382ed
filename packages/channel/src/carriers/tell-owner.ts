/** Calls what an owner gave to be told by; what it throws, or rejects with, is dropped: strangers make it run. */
export function tellOwner<A extends readonly unknown[]>(
  listener: ((...words: A) => unknown) | undefined,
  ...words: A
): void {
  void new Promise((resolve) => {
    resolve(listener?.(...words));
  }).catch(ignore);
}

function ignore(): void {}
