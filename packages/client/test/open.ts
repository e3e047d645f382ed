import type { Clock } from '@circuit/base';
import { expect } from 'vitest';
import type { Cluster } from '../src/index.js';
import type { TestServer } from './test-server.js';
import { until } from '@circuit/testkit';

/** Opens clusters for the tests of one file and sees that each leaves nothing behind. */
export function open(): {
  cluster(server: TestServer, clock?: Clock): Promise<Cluster>;
  released(): Promise<void>;
} {
  const opened: { cluster: Cluster; server: TestServer }[] = [];
  return {
    async cluster(server, clock) {
      const cluster = await server.connect(clock);
      opened.push({ cluster, server });
      return cluster;
    },
    async released() {
      for (const { cluster, server } of opened.splice(0)) {
        const session = server.sessions[0];
        // One channel for each server spoken to may stay; calls and streams may not.
        if (session !== undefined) await until('calls to be gone', () => session.stats.channels <= 2);
        await cluster.close();
        expect(session?.stats.channels).toBe(0);
      }
    },
  };
}
