/** Called for connections and requests that were not let in; for a log line. What it throws is dropped: strangers make it run. */
export type OnRefused = (address: string, reason: string) => void;
