import type { WaitOptions } from '@circuit/base';
import { type Cluster, connect } from '@circuit/client/node';
import { DevCluster, type DevClusterOptions } from './dev-cluster.js';

export type { DaemonProcess, ProcessEnd } from './daemon-process.js';
export type { DevClusterOptions } from './dev-cluster.js';

/** A throw-away cluster for tests and examples; see {@link testCluster}. */
export interface TestCluster extends AsyncDisposable {
  readonly servers: DevCluster['servers'];
  /** The circuit addresses, in order of their start. */
  readonly addresses: readonly string[];
  /** The first of them. */
  readonly addr: string;
  readonly keyFile: string;
  /** A client by way of the server `index`, the first by default. The caller closes it. */
  connect(index?: number, options?: WaitOptions): Promise<Cluster>;
  /** Starts the server `index`, which has ended, again on its state folder. */
  restart(index: number): Promise<void>;
  /** Ends every server and every process they hold, and removes all they wrote. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts `nodes` real daemons as processes on loopback, with a key and state folders of their own, and waits until all know
 * each other. Whoever starts it closes it. Rejects with `cannot-start` and the last words of a daemon that does not come up.
 */
export async function testCluster(options: DevClusterOptions = {}): Promise<TestCluster> {
  const cluster = await DevCluster.start(options);
  return {
    get servers() {
      return cluster.servers;
    },
    get addresses() {
      return cluster.addresses;
    },
    addr: cluster.addresses[0] ?? '',
    keyFile: cluster.keyFile,
    connect: (index = 0, { signal } = {}) =>
      connect({ dial: cluster.addresses[index] ?? '', keyFile: cluster.keyFile, signal }),
    restart: async (index) => {
      await cluster.restart(index);
    },
    close: () => cluster.close(),
    [Symbol.asyncDispose]: () => cluster.close(),
  };
}
