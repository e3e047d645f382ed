import { Session } from 'node:inspector';

interface Reported {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/**
 * Which blocks of this package's sources have run, told by V8 itself. A fuzzer with an engine of its own (jazzer.js around
 * libFuzzer) is native code that is built or downloaded at install time; this needs nothing but Node.
 */
export class Coverage {
  readonly #inspector = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#inspector.connect();
    this.#inspector.post('Profiler.enable');
    this.#inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many blocks have run so far. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** Whether a block has run since the last call that had never run before. */
  grew(): boolean {
    const before = this.#seen.size;
    this.#inspector.post('Profiler.takePreciseCoverage', (error, reported) => {
      if (error !== null) throw error;
      for (const { url, functions } of (reported as Reported).result) {
        const at = url.indexOf('packages/channel/src/');
        if (at < 0) continue;
        for (const { functionName, ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) this.#seen.add(`${url.slice(at)} ${functionName} ${startOffset} ${endOffset}`);
          }
        }
      }
    });
    return this.#seen.size > before;
  }

  stop(): void {
    this.#inspector.post('Profiler.stopPreciseCoverage');
    this.#inspector.disconnect();
  }
}
