const farMs = 2_147_483_647;

/**
 * Keeps this process alive while `work` runs. The timers of a clock do not, and a daemon that is only just opening its
 * keepers has nothing else that would: it would exit in the middle, silently.
 */
export async function holdLoop<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => undefined, farMs);
  try {
    return await work;
  } finally {
    clearInterval(hold);
  }
}
