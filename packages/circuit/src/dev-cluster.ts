import { access, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CircuitError, deadline, linkSignals, pause, systemClock, type WaitOptions } from '@circuit/base';
import { connect } from '@circuit/client/node';
import { generateKey, writeKeyFile } from '@circuit/keys';
import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.js';
import { abandonedFolders, DevFolder, removeFolder } from './dev-folder.js';

/** What a throw-away cluster is made of. */
export interface DevClusterOptions extends WaitOptions {
  /** How many servers; 3 by default, 64 at most. */
  readonly nodes?: number;
  /** Hears what the servers write to standard error. */
  readonly onLine?: (server: number, line: string) => void;
  /** Use this key file instead of a new one. */
  readonly keyFile?: string;
}

/** How long servers on one machine may take to find each other; then something is wrong. */
const meetMs = 30_000;

/** How long a server may take to start on a folder that another cluster left. */
const sweepMs = 10_000;

/** The most servers that make sense on one machine. */
const maxNodes = 64;

/** A cluster of real daemon processes on this machine, with a key and state folders of its own. */
export class DevCluster {
  /** The key file that clients need. */
  readonly keyFile: string;
  /** All that the cluster writes; it goes with the cluster. */
  readonly folder: string;
  readonly #options: DevClusterOptions;
  readonly #folder: DevFolder;
  readonly #hosts: readonly string[];
  readonly #servers: DaemonProcess[] = [];
  #sweeping: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: DevClusterOptions, folder: DevFolder, hosts: readonly string[]) {
    this.#options = options;
    this.#folder = folder;
    this.folder = folder.path;
    this.keyFile = options.keyFile ?? join(this.folder, 'key');
    this.#hosts = hosts;
  }

  /** Starts the servers, the later ones joining the first, and waits until all serve. Ends what it started when that fails. */
  static async start(options: DevClusterOptions = {}): Promise<DevCluster> {
    const { nodes = 3 } = options;
    if (!Number.isSafeInteger(nodes) || nodes < 1 || nodes > maxNodes)
      throw new CircuitError('invalid', `a cluster of ${nodes} servers: use 1 to ${maxNodes}`);
    const [folder, hosts] = await Promise.all([DevFolder.make(), loopbackHosts(nodes)]);
    const cluster = new DevCluster(options, folder, hosts);
    try {
      if (options.keyFile === undefined) await writeKeyFile(cluster.keyFile, generateKey());
      cluster.#servers[0] = await cluster.#start(0);
      const others = hosts.slice(1).map(async (_, i) => {
        cluster.#servers[i + 1] = await cluster.#start(i + 1);
      });
      const failure = (await Promise.allSettled(others)).find((result) => result.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      await Promise.all(cluster.addresses.map((address) => cluster.#knowsAll(address)));
      cluster.#sweeping = cluster.#sweep();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** The daemon processes, in order of their start. */
  get servers(): readonly DaemonProcess[] {
    return this.#servers;
  }

  /** The circuit addresses, in order of their start. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ addr }) => addr);
  }

  /** Resolves when every server has ended by itself. */
  get ended(): Promise<unknown> {
    return Promise.all(this.#servers.map(({ ended }) => ended));
  }

  /** Starts the server `index`, which is over, again on its state folder. */
  async restart(index: number): Promise<DaemonProcess> {
    const server = await this.#start(index);
    this.#servers[index] = server;
    return server;
  }

  /** Ends every server and every process that they hold, and removes the folder. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#servers.map((_, index) => this.#end(index)), this.#sweeping]);
    await this.#folder.remove();
  }

  /** Ends and removes what clusters left whose owners were killed. */
  async #sweep(): Promise<void> {
    for (const folder of await abandonedFolders()) {
      try {
        for (const name of await readdir(folder)) {
          if (this.#closing !== undefined) return;
          const state = join(folder, name);
          // A server that ended by itself has removed this, and ended its processes.
          if (await exists(join(state, 'daemon.json'))) await this.#endLeft(state);
        }
        await removeFolder(folder);
      } catch {
        // A server in it is still ending, or another cluster is at it. The next one looks again.
      }
    }
  }

  /** Starts a server on a folder whose own was killed, and ends it: with it end the processes that were left. */
  async #endLeft(state: string): Promise<void> {
    const limit = deadline(systemClock, sweepMs, 'start of a server on what was left');
    try {
      await (await this.#startOn('127.0.0.1', state, { signal: limit.signal })).stop();
    } finally {
      limit.dispose();
    }
  }

  async #end(index: number): Promise<void> {
    const { code } = (await this.#servers[index]?.stop()) ?? { code: 0 };
    if (code === 0) return;
    // Killed, its processes live on in their keeper: a next start on the folder finds them and ends them properly.
    try {
      await (await this.#start(index)).stop();
    } catch {
      // The folder is beyond use; nothing can be found in it.
    }
  }

  /** Waits until the server at `address` knows all others. */
  async #knowsAll(address: string): Promise<void> {
    const limit = deadline(systemClock, meetMs, 'meeting of the servers');
    const linked = linkSignals(this.#options.signal, limit.signal);
    const { signal } = linked;
    try {
      await using client = await connect({ dial: address, keyFile: this.keyFile, signal });
      while ((await client.servers({ signal })).length < this.#hosts.length) await pause(systemClock, 10, { signal });
    } finally {
      linked.dispose();
      limit.dispose();
    }
  }

  #start(index: number): Promise<DaemonProcess> {
    const { signal, onLine } = this.#options;
    const first = index === 0 ? undefined : this.#servers[0]?.addr;
    return this.#startOn(this.#hosts[index] ?? '127.0.0.1', join(this.folder, `${index}`), {
      more: first === undefined ? [] : ['-j', first],
      onLine: (line) => onLine?.(index, line),
      signal: this.#closing === undefined ? signal : undefined,
    });
  }

  #startOn(
    host: string,
    stateFolder: string,
    { more = [], ...options }: Pick<DaemonProcessOptions, 'onLine' | 'signal'> & { more?: readonly string[] } = {},
  ): Promise<DaemonProcess> {
    return DaemonProcess.start({
      args: ['-a', host, '-var', stateFolder, '-hmac', this.keyFile, '--kill', ...more],
      // Nothing of the user's own servers may be found or touched.
      env: { ...process.env, CIRCUIT: undefined, CIRCUIT_HMAC: undefined, CIRCUIT_DISCOVER: undefined },
      ...options,
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** An address of its own for each server where the whole of 127/8 is this machine, else one for all. */
async function loopbackHosts(count: number): Promise<readonly string[]> {
  const own = await canListen('127.0.0.2');
  return Array.from({ length: count }, (_, i) => (own ? `127.0.0.${i + 1}` : '127.0.0.1'));
}

function canListen(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(true)));
  });
}
