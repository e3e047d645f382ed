import { constants } from 'node:os';
import { CircuitError, type Clock, type Logger } from '@circuit/base';
import type { ProcessExit, ProcessRecord, StartResult } from '../client/types.js';
import { isAlive } from '../folder/records.js';
import { namesIn } from '../folder/segments.js';
import type { KeeperFiles } from '../folder/process-files.js';
import { findExecutable } from '../platform/executable.js';
import type { ProcessTable } from '../platform/process-table.js';
import { isProcessId, listPageRecords, type ListAnswer, type StartOrder } from '../protocol/messages.js';
import type { HeldProcess } from './held-process.js';
import { launch } from './launch.js';
import { PhaseWatch } from './phase-watch.js';
import { ProcessStore } from './process-store.js';

/** Most processes of one keeper, ended ones that are not forgotten included. */
const maxProcesses = 100_000;

export interface KeeperOptions {
  readonly files: KeeperFiles;
  readonly table: ProcessTable;
  readonly segmentBytes: number;
  readonly keepTotalBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after every change of a process, also when it was forgotten. */
  readonly changed: (process: HeldProcess) => void;
  /** Called when a forgotten process or one of its streams has ended. */
  readonly unheardEnded: () => void;
}

/** The table of processes of one keeper process. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #store: ProcessStore;
  readonly #phases: PhaseWatch;
  readonly #processes = new Map<string, HeldProcess>();
  /** Running, and forgotten: drained to nowhere until the end. */
  readonly #unheard = new Set<HeldProcess>();
  readonly #starting = new Set<string>();
  #sequence = 0;
  #keepTotalBytes: number;

  constructor(options: KeeperOptions) {
    const { files, table, segmentBytes, clock, logger } = options;
    this.#options = options;
    this.#keepTotalBytes = options.keepTotalBytes;
    this.#store = new ProcessStore({ files, segmentBytes, clock, logger, grown: (bytes) => this.#keepTotal(bytes) });
    this.#phases = new PhaseWatch({
      table,
      clock,
      changed: (held) => {
        if (this.has(held)) this.#options.changed(held);
      },
      vanished: (held) => this.#end(held, { kind: 'unknown', reason: 'it ended while no keeper watched it' }),
    });
  }

  /** Takes up what earlier keepers left in the folder. */
  async open(): Promise<void> {
    await this.#store.fifos.open();
    for (const id of namesIn(this.#options.files.processes).sort()) {
      if (!isProcessId(id)) continue;
      const unrecorded: string[] = [];
      const held = this.#store.load(id, this.#next(), () => {
        unrecorded.push(id);
        this.#streamEnded(id);
      });
      if (held === undefined) continue;
      this.#processes.set(id, held);
      // A stream that had ended unheard is recorded now, or the folder would never be finished.
      if (unrecorded.length > 0) this.#settle(held);
      if (!held.ended) this.#phases.adopt(held);
    }
    this.#keepTotal(this.#store.totalBytes);
  }

  /** Whether nothing is left to do without a daemon: every process and every stream has ended and is on disk. */
  get idle(): boolean {
    if (this.#starting.size > 0 || !this.#store.records.settled) return false;
    for (const held of this.#unheard) if (!held.settled) return false;
    for (const held of this.#processes.values()) if (!held.settled) return false;
    return true;
  }

  /** Whether it holds no record at all. */
  get empty(): boolean {
    return this.#processes.size === 0 && this.#unheard.size === 0 && this.#starting.size === 0;
  }

  /** Throws `conflict` when the id is taken and `limit` when there is no room. */
  async start(id: string, order: StartOrder): Promise<StartResult> {
    if (this.#processes.has(id) || this.#starting.has(id)) throw new CircuitError('conflict', `process ${id} exists`);
    if (this.#processes.size + this.#starting.size >= maxProcesses) {
      throw new CircuitError('limit', `start ${id}: ${maxProcesses} processes are recorded; forget some`);
    }
    const { path, cwd, env, searchPath, args, mode, keepBytes, windowBytes } = order;
    const found = findExecutable({ path, cwd, searchPath: env.PATH ?? searchPath });
    if (!found.ok) return found;
    this.#starting.add(id);
    try {
      const { file } = found;
      const spec = { id, path, file, args, env, cwd, mode, keepBytes, windowBytes };
      const files = await this.#store.create(spec);
      const launched = await launch(order, file, files).catch((error: unknown) => {
        this.#store.remove(files);
        throw error;
      });
      if (!launched.ok) {
        this.#store.remove(files);
        return launched;
      }
      const { child, pid } = launched;
      const { table, clock } = this.#options;
      // The child is not reaped before this turn ends, so even one that is already dead can be read.
      const startTime = table.read(pid)?.startTime ?? '';
      const birth = { pid, startTime, bootId: table.bootId, startedMs: clock.wall() };
      this.#store.records.writeFirst(files.birth, birth);
      const held = this.#store.hold({ sequence: this.#next(), birth, spec, streamEnded: () => this.#streamEnded(id) });
      child.once('exit', (code, signal) => this.#end(held, exitOf(code, signal)));
      this.#processes.set(id, held);
      held.stdin.hold(launched.stdin);
      if (order.stdin === 'closed') held.stdin.close();
      held.output('stdout').attach(launched.stdout);
      held.output('stderr').attach(launched.stderr);
      this.#phases.add(held);
      this.#options.changed(held);
      return { ok: true, process: held.record() };
    } finally {
      this.#starting.delete(id);
    }
  }

  /** Throws `not-found`. */
  get(id: string): HeldProcess {
    const held = this.#processes.get(id);
    if (held === undefined) throw new CircuitError('not-found', `no process ${id}`);
    return held;
  }

  /** Whether `held` is still in the table. */
  has(held: HeldProcess): boolean {
    return this.#processes.get(held.id) === held;
  }

  /** One page of records, by start, from sequence number `from` on. */
  list(from: number): ListAnswer {
    const page: ProcessRecord[] = [];
    for (const held of this.#processes.values()) {
      if (held.sequence < from) continue;
      if (page.length === listPageRecords) return { processes: page, next: held.sequence };
      page.push(held.record());
    }
    return { processes: page };
  }

  /** Sends a signal; to a group also when its first process has ended and others still hold the output. Throws `invalid` for an unknown name and `gone` when nobody is there to get it. */
  signal(held: HeldProcess, name: string, group: boolean): void {
    const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
    if (number === undefined) throw new CircuitError('invalid', `unknown signal ${JSON.stringify(name.slice(0, 32))}`);
    const { pid } = held.birth;
    if (!(held.ended && group ? this.#leavesGroup(held) : this.#runs(held)))
      throw new CircuitError('gone', `process ${held.id} has ended`);
    try {
      process.kill(group ? -pid : pid, number);
    } catch (error) {
      throw new CircuitError('gone', `signal ${name} to process ${held.id} (pid ${pid})`, { cause: error });
    }
  }

  #runs(held: HeldProcess): boolean {
    return !held.ended && isAlive(this.#options.table, held.birth);
  }

  /**
   * Whether an ended process has left a group that is surely its own: descendants still hold its output, and as long as they are in its group
   * the system gives its pid to nobody else. Somebody who has the pid all the same is a stranger.
   */
  #leavesGroup(held: HeldProcess): boolean {
    return !held.settled && this.#options.table.read(held.birth.pid) === undefined;
  }

  /** Bounds the logged output of all processes together by `totalBytes` from now on. */
  keepAtMost(totalBytes: number): void {
    this.#keepTotalBytes = totalBytes;
    this.#keepTotal(this.#store.totalBytes);
  }

  /** Tells the watchers that a process changed. */
  noteChange(held: HeldProcess): void {
    this.#options.changed(held);
  }

  /** Removes a process from the table and from the disk. A running one goes on and its output is thrown away. */
  forget(held: HeldProcess): void {
    this.#processes.delete(held.id);
    held.stdin.forget();
    held.output('stdout').discard();
    held.output('stderr').discard();
    if (!held.settled) this.#unheard.add(held);
    // Its FIFOs live on without a name as long as both sides hold them.
    this.#store.remove(held.files);
    this.#options.changed(held);
  }

  /** Kills every process group, forgotten ones included. */
  killAll(): void {
    for (const held of [...this.#processes.values(), ...this.#unheard]) {
      try {
        this.signal(held, 'SIGKILL', true);
      } catch {
        // It has ended by itself, perhaps in this very moment.
      }
    }
  }

  /** Lets go of everything; processes go on. */
  close(): void {
    this.#phases.close();
    for (const held of [...this.#processes.values(), ...this.#unheard]) held.close();
  }

  #end(held: HeldProcess, exit: ProcessExit): void {
    this.#phases.remove(held);
    held.end(exit, this.#options.clock.wall());
    this.#settle(held);
  }

  #streamEnded(id: string): void {
    const held = this.#processes.get(id);
    if (held !== undefined) this.#settle(held);
    else for (const unheard of this.#unheard) if (unheard.settled) this.#settle(unheard);
  }

  #settle(held: HeldProcess): void {
    if (held.settled) this.#unheard.delete(held);
    if (!this.has(held)) {
      // Its id may be another's by now: nobody is told.
      this.#options.unheardEnded();
      return;
    }
    if (held.ended) this.#store.records.write(held.files.exit, held.ending);
    this.#options.changed(held);
  }

  #next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  // The largest keeper of output pays first, so that a chatty process cannot wipe out the words of the quiet ones.
  #keepTotal(totalBytes: number): void {
    let excess = totalBytes - this.#keepTotalBytes;
    const full = new Set<HeldProcess>();
    while (excess > 0) {
      let largest: HeldProcess | undefined;
      for (const held of this.#processes.values()) {
        if (held.mode === 'log' && !full.has(held) && held.keptBytes > (largest?.keptBytes ?? 0)) largest = held;
      }
      if (largest === undefined) return;
      const dropped = largest.dropOldest();
      if (dropped === 0) full.add(largest);
      excess -= dropped;
    }
  }
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): ProcessExit {
  if (signal !== null) return { kind: 'signaled', signal };
  if (code !== null) return { kind: 'exited', code };
  return { kind: 'unknown', reason: 'the system told neither code nor signal' };
}
