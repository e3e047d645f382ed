export const message = new Uint8Array(100).fill(7);
export const chunk = Buffer.alloc(65_536);

export const seconds = (from) => (performance.now() - from) / 1000;

/** Runs `one` `count` times, `inFlight` at a time; answers how many a second. */
export async function flight(inFlight, count, one) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await one();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return count / seconds(start);
}
