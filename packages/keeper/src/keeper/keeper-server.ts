import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { CircuitError, type Clock, type Logger, type Timer } from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import { writeJson } from '../folder/json-file.js';
import type { KeeperFiles } from '../folder/process-files.js';
import { identify, type KeeperRecord } from '../folder/records.js';
import type { ProcessTable } from '../platform/process-table.js';
import { Connection } from './connection.js';
import { Keeper } from './keeper.js';

/** How long a fresh keeper waits for its first daemon, and a killing shutdown for the ends. */
const graceMs = 10_000;

/** Connections at a time; a daemon needs one. */
const maxConnections = 16;

export interface KeeperServerOptions {
  readonly files: KeeperFiles;
  readonly socketPath: string;
  readonly bundle: string;
  readonly segmentBytes: number;
  readonly keepTotalBytes: number;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called once, after everything was let go: the process may exit. */
  readonly ended: () => void;
}

/** The life of a keeper process: it listens, and ends when it has no daemon and nothing left to hold. */
export class KeeperServer {
  readonly #options: KeeperServerOptions;
  readonly #keeper: Keeper;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #grace: Timer | undefined;
  #ending = false;
  #over = false;

  constructor(options: KeeperServerOptions) {
    this.#options = options;
    const { files, table, segmentBytes, keepTotalBytes, clock, logger } = options;
    this.#keeper = new Keeper({
      files,
      table,
      segmentBytes,
      keepTotalBytes,
      clock,
      logger,
      changed: (held) => {
        for (const connection of this.#connections) connection.changed(held);
        this.#considerEnd();
      },
      unheardEnded: () => this.#considerEnd(),
    });
  }

  /** Takes up the folder, then listens, then says so in `keeper.json`. */
  async open(): Promise<void> {
    const { files, socketPath, bundle, table, clock } = this.#options;
    this.#graceBegins(clock);
    await makeFolder(files.processes);
    await this.#keeper.open();
    rmSync(socketPath, { force: true });
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = maxConnections;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    const identity = identify(table, process.pid);
    if (identity === undefined) throw new CircuitError('internal', `pid ${process.pid} is not in the process table`);
    const record: KeeperRecord = { ...identity, socket: socketPath, bundle };
    writeJson(files.record, record);
  }

  #accept(socket: Socket): void {
    const { bundle, logger } = this.#options;
    const connection = new Connection({
      socket,
      keeper: this.#keeper,
      bundle,
      logger,
      shutdown: () => this.#shutdown(),
      closed: (closed) => {
        this.#connections.delete(closed);
        this.#considerEnd();
      },
    });
    this.#connections.add(connection);
    // The first daemon has come: from now on its absence counts.
    if (!this.#ending) this.#grace?.cancel();
    if (!this.#ending) this.#grace = undefined;
    connection.open();
  }

  #graceBegins(clock: Clock): void {
    this.#grace = clock.after(graceMs, () => {
      this.#grace = undefined;
      this.#considerEnd();
    });
  }

  #shutdown(): void {
    this.#ending = true;
    // Time for the ends of killed processes; whoever survives SIGKILL that long hangs in the kernel.
    this.#grace?.cancel();
    this.#grace = this.#options.clock.after(graceMs, () => this.#end());
    setImmediate(() => this.#considerEnd());
  }

  #considerEnd(): void {
    if (this.#over || !this.#keeper.idle) return;
    if (this.#ending) {
      // The last news must reach the daemon first: events leave in the next turn.
      setImmediate(() => setImmediate(() => this.#end()));
      return;
    }
    if (this.#connections.size > 0 || this.#grace !== undefined) return;
    this.#end();
  }

  // All in one turn: a next keeper may take the folder as soon as the connections are closed.
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#grace?.cancel();
    const { files, socketPath, ended } = this.#options;
    this.#server?.close();
    rmSync(socketPath, { force: true });
    rmSync(files.fifos, { recursive: true, force: true });
    const empty = this.#keeper.empty;
    this.#keeper.close();
    if (empty) rmSync(files.folder, { recursive: true, force: true });
    for (const connection of this.#connections) connection.end();
    ended();
  }
}
