import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CircuitError,
  type Deferred,
  deferred,
  isCircuitError,
  orAborted,
  throwIfAborted,
  type WaitOptions,
} from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import { readSpec } from '../folder/records.js';
import { processFiles } from '../folder/process-files.js';
import { systemProcessTable } from '../platform/process-table.js';
import { readStartAnswer } from '../protocol/answers.js';
import { disownCopy, keeperNumbers } from './copied-folder.js';
import { diskError } from './disk-error.js';
import { KeeperHome, socketPathOf } from './keeper-home.js';
import { loadBundle } from './launch-keeper.js';
import { SegmentReader } from './output-reader.js';
import { orderOf } from './start-order.js';
import { type FifoWriter, openFifoWriter } from './stdin-writer.js';
import { StreamTail } from './stream-tail.js';
import type {
  KeeperSet,
  KeeperSetOptions,
  OutputOptions,
  OutputReader,
  ProcessEvent,
  ProcessRecord,
  ProcessSpec,
  StartResult,
  StartSpec,
  StdinWriter,
  StreamName,
} from './types.js';

const defaultSegmentBytes = 8_388_608;
const defaultIdleMs = 10_000;

interface Entry {
  readonly home: KeeperHome;
  readonly record: ProcessRecord;
}

/**
 * Opens the processes below `stateFolder` (made when absent): connects to every live keeper, adopts what dead ones left.
 * Rejects with `invalid` when a socket's path would exceed 100 bytes or the bundle cannot be read, `limit` when the disk is full, and with
 * the error of a keeper that cannot be reached.
 */
export async function openKeeperSet(
  stateFolder: string,
  options: KeeperSetOptions,
  { signal }: WaitOptions = {},
): Promise<KeeperSet> {
  throwIfAborted(signal);
  const keepersFolder = join(stateFolder, 'keepers');
  socketPathOf(options.socketFolder, join(keepersFolder, '1'), 1);
  const processes = await prepare(keepersFolder, options);
  if (processes > 0) {
    const text = 'the state folder is a copy: the processes of its original are left alone';
    options.logger.warn(text, { stateFolder, processes });
  }
  const bundle = await loadBundle(options.bundlePath);
  const { clock, logger, socketFolder, keepTotalBytes = tenthOfDisk(keepersFolder) } = options;
  const set = new HomeSet(keepTotalBytes, (number, onEvent) => {
    return new KeeperHome({
      number,
      keepersFolder,
      socketFolder,
      bundle,
      nodePath: options.nodePath ?? process.execPath,
      segmentBytes: options.segmentBytes ?? defaultSegmentBytes,
      keepTotalBytes,
      idleMs: options.idleMs ?? defaultIdleMs,
      table: systemProcessTable(),
      clock,
      logger,
      onEvent,
    });
  });
  try {
    for (const number of keeperNumbers(keepersFolder)) await set.add(number, { signal });
  } catch (error) {
    await set.close();
    throw error;
  }
  return set;
}

/** Makes the folders; the result counts the processes of another folder, whose copy this one is. */
async function prepare(keepersFolder: string, { socketFolder, clock }: KeeperSetOptions): Promise<number> {
  try {
    await makeFolder(keepersFolder);
    if (socketFolder !== undefined) await makeFolder(socketFolder);
    return disownCopy(keepersFolder, clock.wall());
  } catch (error) {
    throw diskError(error, `prepare folder ${keepersFolder}`);
  }
}

function tenthOfDisk(folder: string): number {
  const { blocks, bsize } = statfsSync(folder);
  return Math.floor((blocks * bsize) / 10);
}

class HomeSet implements KeeperSet {
  readonly #keepTotalBytes: number;
  readonly #makeHome: (number: number, onEvent: (event: ProcessEvent) => void) => KeeperHome;
  readonly #homes = new Map<number, KeeperHome>();
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(event: ProcessEvent) => void>();
  readonly #waiting = new Map<string, Set<Deferred<ProcessRecord>>>();
  readonly #tails = new Map<string, StreamTail>();
  readonly #writers = new Map<string, FifoWriter>();
  #choosing: Promise<KeeperHome> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    keepTotalBytes: number,
    makeHome: (number: number, onEvent: (event: ProcessEvent) => void) => KeeperHome,
  ) {
    this.#keepTotalBytes = keepTotalBytes;
    this.#makeHome = makeHome;
  }

  async add(number: number, options?: WaitOptions): Promise<void> {
    const home: KeeperHome = this.#makeHome(number, (event) => this.#take(home, event));
    this.#homes.set(number, home);
    await home.open(options);
  }

  async start(spec: StartSpec, { signal }: WaitOptions = {}): Promise<StartResult> {
    throwIfAborted(signal);
    this.#checkOpen();
    const id = spec.id ?? randomBytes(8).toString('hex');
    if (this.#entries.has(id)) throw new CircuitError('conflict', `process ${id} exists`);
    const order = orderOf(id, spec, this.#keepTotalBytes);
    const home = await this.#current(signal);
    throwIfAborted(signal);
    // Waited for to its end: nobody would know of what the keeper starts behind a start that was given up.
    const answer = readStartAnswer(await home.call({ verb: 'start', process: id, order }));
    if (answer === undefined) throw new CircuitError('outcome-unknown', `start ${id}: the keeper did not answer`);
    // The event may still be on its way; the caller may use the id at once.
    if (answer.ok && !this.#entries.has(id)) this.#take(home, { kind: 'process', process: answer.process });
    return answer;
  }

  list(): readonly ProcessRecord[] {
    return [...this.#entries.values()].map(({ record }) => record).sort((a, b) => a.startedMs - b.startedMs);
  }

  get(id: string): ProcessRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  async spec(id: string): Promise<ProcessSpec> {
    const spec = readSpec(processFiles(this.#entry(id).home.files, id), id);
    if (spec === undefined) throw new CircuitError('not-found', `no spec of process ${id} on disk`);
    return Promise.resolve(spec);
  }

  async wait(id: string, { signal }: WaitOptions = {}): Promise<ProcessRecord> {
    throwIfAborted(signal);
    this.#checkOpen();
    const { record } = this.#entry(id);
    if (record.phase === 'ended') return record;
    const waiter = deferred<ProcessRecord>();
    const waiters = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiters.add(waiter));
    try {
      return await orAborted(waiter.promise, signal);
    } finally {
      waiters.delete(waiter);
      if (waiters.size === 0) this.#waiting.delete(id);
    }
  }

  async signal(id: string, name: string, options: WaitOptions & { readonly group?: boolean } = {}): Promise<void> {
    const { signal, group = false } = options;
    const answer = await this.#call(id, { verb: 'signal', process: id, signal: name, group }, signal);
    if (answer === undefined) throw new CircuitError('gone', `process ${id} has ended`);
  }

  async openStdin(id: string, { signal }: WaitOptions = {}): Promise<StdinWriter> {
    const { home } = this.#entry(id);
    if (this.#writers.has(id)) throw new CircuitError('conflict', `stdin of process ${id} has a writer`);
    const answer = await this.#call(id, { verb: 'stdin', process: id, release: false }, signal);
    const fifo = (answer as { readonly fifo?: unknown } | undefined)?.fifo;
    if (typeof fifo !== 'string') throw new CircuitError('gone', `process ${id} has ended`);
    const over = async (endOfFile: boolean): Promise<void> => {
      this.#writers.delete(id);
      try {
        if (endOfFile) await home.call({ verb: 'closeStdin', process: id });
        else await home.call({ verb: 'stdin', process: id, release: true });
      } catch (error) {
        // The process or its keeper is gone: its stdin is as closed as can be.
        if (!isCircuitError(error)) throw error;
      }
    };
    try {
      const writer = openFifoWriter({ fifo, over });
      this.#writers.set(id, writer);
      return writer;
    } catch (error) {
      await over(false);
      throw error;
    }
  }

  async closeStdin(id: string, { signal }: WaitOptions = {}): Promise<void> {
    if (this.#writers.has(id)) throw new CircuitError('conflict', `stdin of process ${id} has a writer`);
    await this.#call(id, { verb: 'closeStdin', process: id }, signal);
  }

  openOutput(id: string, stream: StreamName, options: OutputOptions = {}): OutputReader {
    this.#checkOpen();
    const { home, record } = this.#entry(id);
    const key = `${id}/${stream}`;
    const released = (): boolean => this.#tails.get(key) === tail && this.#tails.delete(key);
    const get = (): ProcessRecord | undefined => this.get(id);
    const tail: StreamTail =
      this.#tails.get(key) ?? new StreamTail({ home, id, stream, mode: record.mode, get, released });
    const reader = new SegmentReader(tail, id, stream, options);
    this.#tails.set(key, tail);
    return reader;
  }

  watch(listener: (event: ProcessEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async forget(id: string, { signal }: WaitOptions = {}): Promise<void> {
    const { home } = this.#entry(id);
    const answer = await this.#call(id, { verb: 'forget', process: id }, signal);
    if (answer === undefined) home.removeArchived(id);
    else this.#take(home, { kind: 'forgotten', id });
  }

  async shutdown({ signal }: WaitOptions = {}): Promise<void> {
    for (const home of this.#homes.values()) {
      try {
        if ((await home.call({ verb: 'shutdown', kill: true }, { signal })) !== undefined) await home.gone({ signal });
      } catch (error) {
        throwIfAborted(signal);
        if (!isCircuitError(error, 'outcome-unknown') && !isCircuitError(error, 'peer-gone')) throw error;
      }
      await home.settled({ signal });
    }
    await this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new CircuitError('closed', 'the keeper set is closed');
    for (const waiters of this.#waiting.values()) for (const waiter of waiters) waiter.reject(closed);
    for (const tail of this.#tails.values()) tail.fail(closed);
    for (const writer of [...this.#writers.values()]) writer.abort(closed);
    for (const home of this.#homes.values()) await home.close();
    this.#listeners.clear();
  }

  async #call(
    id: string,
    request: Parameters<KeeperHome['call']>[0],
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    throwIfAborted(signal);
    this.#checkOpen();
    return this.#entry(id).home.call(request, { signal });
  }

  /** The keeper for new processes; one at a time is chosen, so that two first starts share it. */
  async #current(signal: AbortSignal | undefined): Promise<KeeperHome> {
    for (const home of this.#homes.values()) if (home.isCurrent) return home;
    this.#choosing ??= this.#choose().finally(() => {
      this.#choosing = undefined;
    });
    return orAborted(this.#choosing, signal);
  }

  async #choose(): Promise<KeeperHome> {
    for (const home of this.#homes.values()) {
      // One that cannot be reached now is no reason not to start elsewhere.
      await home.settled().catch(ignore);
      if (home.isCurrent) return home;
    }
    const archive = [...this.#homes.values()].findLast((home) => home.isArchive);
    const number = archive?.number ?? Math.max(0, ...this.#homes.keys()) + 1;
    if (archive === undefined) await this.add(number);
    const home = this.#homes.get(number);
    if (home === undefined) throw new CircuitError('internal', `keeper ${number} vanished`);
    await home.revive();
    return home;
  }

  #take(home: KeeperHome, event: ProcessEvent): void {
    if (event.kind === 'process') this.#update(home, event.process);
    else if (!this.#remove(event.id)) return;
    for (const listener of [...this.#listeners]) listener(event);
  }

  #update(home: KeeperHome, record: ProcessRecord): void {
    this.#entries.set(record.id, { home, record });
    if (record.phase !== 'ended') return;
    for (const waiter of this.#waiting.get(record.id) ?? []) waiter.resolve(record);
    const over = new CircuitError('closed', `stdin: process ${record.id} has ended`, { detail: 'EPIPE' });
    this.#writers.get(record.id)?.abort(over);
  }

  #remove(id: string): boolean {
    if (!this.#entries.delete(id)) return false;
    for (const waiter of this.#waiting.get(id) ?? []) {
      waiter.reject(new CircuitError('aborted', `process ${id} was forgotten`));
    }
    const gone = new CircuitError('gone', `process ${id} was forgotten`);
    for (const key of [`${id}/stdout`, `${id}/stderr`]) {
      this.#tails.get(key)?.fail(gone);
      this.#tails.delete(key);
    }
    this.#writers.get(id)?.abort(gone);
    return true;
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new CircuitError('not-found', `no process ${id}`);
    return entry;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new CircuitError('closed', 'the keeper set is closed');
  }
}

function ignore(): void {}
