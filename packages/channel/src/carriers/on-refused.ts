/** Called for connections and requests that were not let in; for a log line. What it throws is dropped: strangers make it run. */
export type OnRefused = (address: string, reason: string) => void;

/** Tells the owner of a listener; what it throws, or rejects with, is dropped. */
export function tellRefused(onRefused: OnRefused | undefined, address: string, reason: string): void {
  void new Promise<void>((resolve) => {
    resolve(onRefused?.(address, reason));
  }).catch(ignore);
}

function ignore(): void {}
