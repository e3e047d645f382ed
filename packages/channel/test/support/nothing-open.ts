import { until } from '@circuit/testkit';
import { afterEach } from 'vitest';

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe|TLS)/.test(name)).length;
}

/** After each test as many sockets are open as before the first: the pipes of the test runner. */
export function checkNothingOpen(): void {
  const before = sockets();
  afterEach(() => until('every socket to be closed', () => sockets() <= before));
}
