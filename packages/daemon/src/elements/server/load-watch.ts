import { loadavg } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How busy this machine and this process are. */
export interface LoadWatch {
  /** The machine's load average over one minute. */
  load(): number;
  /** How late the event loop was at worst since the last question. */
  lagMs(): number;
  close(): void;
}

/** Watches the event loop of this process until it is closed. */
export function watchLoad(): LoadWatch {
  const resolutionMs = 20;
  const delays: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  return {
    load: () => loadavg()[0] ?? 0,
    lagMs() {
      // The histogram holds the whole interval between two looks, of which the resolution is no lag.
      const lag = delays.count === 0 ? 0 : Math.max(0, delays.max / 1e6 - resolutionMs);
      delays.reset();
      return Math.round(lag * 10) / 10;
    },
    close: () => delays.disable(),
  };
}
