import { CircuitError, isCircuitError } from '@circuit/base';
import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { type KnownMember, readKnownMembers, writeKnownMembers } from './known-members.js';
import { maxDefaultFolders, numberedFolder, ownSurroundings, stateBase, type Surroundings } from './places.js';
import { ensurePrivateFolder } from './private-folder.js';
import { ownProcesses, type ProcessTable } from './process-identity.js';
import { readRecord, replaceRecord } from './record-file.js';
import { prepareSocket, removeSocket } from './socket-folder.js';

/** The file that says where a daemon's socket is. */
export const daemonFileName = 'daemon.json';

export interface StateOptions {
  /** This folder and no other; absent: the first default one that is free. */
  readonly folder?: string | undefined;
  readonly surroundings?: Surroundings;
  readonly processes?: ProcessTable;
}

/** The folder of one running daemon; it alone writes there. */
export class StateFolder {
  /** Absolute. */
  readonly path: string;
  /** Where the daemon binds its Unix socket: nothing stands there, and only this user can reach it. */
  readonly socketPath: string;
  readonly #lock: FolderLock;
  #closing: Promise<void> | undefined;

  private constructor(path: string, socketPath: string, lock: FolderLock) {
    this.path = path;
    this.socketPath = socketPath;
    this.#lock = lock;
  }

  /**
   * Takes a state folder, made if there is none. Rejects with `conflict` (detail `locked`) when a living process holds the
   * named one, `limit` when all default ones are held, `denied` when it is not private to this user or cannot be written,
   * `io` when the disk is full.
   */
  static async open(options: StateOptions = {}): Promise<StateFolder> {
    const where = options.surroundings ?? ownSurroundings();
    const processes = options.processes ?? ownProcesses();
    if (options.folder !== undefined) return StateFolder.#take(resolve(options.folder), where, processes);
    const base = stateBase(where);
    for (let number = 1; number <= maxDefaultFolders; number++) {
      try {
        return await StateFolder.#take(numberedFolder(base, number), where, processes);
      } catch (error) {
        if (!isCircuitError(error, 'conflict') || error.detail !== 'locked') throw error;
      }
    }
    throw new CircuitError(
      'limit',
      `all ${maxDefaultFolders} state folders in ${base} are in use: name one with --var`,
    );
  }

  static async #take(path: string, where: Surroundings, processes: ProcessTable): Promise<StateFolder> {
    await ensurePrivateFolder(path, where.uid);
    const lock = await lockFolder(path, processes);
    try {
      const file = join(path, daemonFileName);
      const { dev, ino } = await stat(path);
      const place = `${dev}:${ino}`;
      const former = await readRecord(file);
      // A copied folder names the socket of its original, which may be in use.
      const isOurs = former?.place === place && typeof former.socket === 'string';
      const socket = await prepareSocket(where, isOurs ? (former.socket as string) : undefined);
      await replaceRecord(file, { version: 1, ...lock.holder, socket, place });
      return new StateFolder(path, socket, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** The members known at the end of the last run. */
  readMembers(): Promise<readonly KnownMember[]> {
    return readKnownMembers(this.path);
  }

  /** Keeps `members` for the next run. One call at a time; the last one counts. */
  writeMembers(members: readonly KnownMember[]): Promise<void> {
    return writeKnownMembers(this.path, members);
  }

  /** Removes the socket and lets others have the folder. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The record first: a client must not be sent to a socket that is gone.
    await rm(join(this.path, daemonFileName), { force: true });
    await removeSocket(this.socketPath);
    await this.#lock.release();
  }
}
