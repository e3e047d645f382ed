import type { CircuitError } from '@circuit/base';

/** What is told of an end: `failure` is `undefined` where it was clean. */
type Run = (failure: CircuitError | undefined) => void;

const watched = new WeakMap<Promise<void>, Set<Run>>();

/**
 * Calls `run` when `over`, the `closed` or `finished` of an end, settles, unless the result is called before. Handlers cannot be taken off a promise,
 * and an end that goes away and comes home many times would gather them: all who watch one promise share a single one.
 */
export function whenOver(over: Promise<void>, run: Run): () => void {
  const runs = watched.get(over) ?? watch(over);
  runs.add(run);
  return () => void runs.delete(run);
}

function watch(over: Promise<void>): Set<Run> {
  const runs = new Set<Run>();
  const tell = (failure: CircuitError | undefined): void => {
    // Whoever asks from now on gets a handler of its own, which runs at once.
    watched.delete(over);
    for (const run of runs) run(failure);
  };
  watched.set(over, runs);
  over.then(
    () => tell(undefined),
    (reason: unknown) => tell(reason as CircuitError),
  );
  return runs;
}
