import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  CircuitError,
  type Clock,
  deadline,
  isCircuitError,
  linkSignals,
  type Logger,
  orAborted,
  pause,
  throwIfAborted,
  type Timer,
  toCircuitError,
  type WaitOptions,
} from '@circuit/base';
import { type KeeperFiles, keeperFiles, processFiles } from '../folder/process-files.js';
import { isAlive, readKeeperRecord } from '../folder/records.js';
import type { ProcessTable } from '../platform/process-table.js';
import { readListAnswer } from '../protocol/answers.js';
import type { Request } from '../protocol/messages.js';
import { readArchive } from './archive.js';
import { holdLoop } from './hold-loop.js';
import { dialKeeper, type KeeperLink } from './keeper-link.js';
import { type KeeperBundle, launchKeeper } from './launch-keeper.js';
import type { ProcessEvent, ProcessRecord } from './types.js';

/** How long a keeper may take to come up, to answer a greeting, or to be gone after its end. */
const patienceMs = 10_000;
const retryMs = 1000;
const pollMs = 5;
const maxLaunches = 3;

export interface HomeOptions {
  readonly number: number;
  readonly keepersFolder: string;
  readonly socketFolder: string | undefined;
  readonly bundle: KeeperBundle;
  readonly nodePath: string;
  readonly segmentBytes: number;
  readonly keepTotalBytes: number;
  /** A keeper with nothing left to do is let go after this time. */
  readonly idleMs: number;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onEvent: (event: ProcessEvent) => void;
}

interface Live {
  readonly kind: 'live';
  readonly link: KeeperLink;
  readonly bundle: string;
}
type State = Live | { readonly kind: 'archive' };

/**
 * One folder `keepers/<n>` seen from the daemon.
 *
 * | state | to | by |
 * |---|---|---|
 * | live | settling | its connection ended, or it had nothing to do for `idleMs` |
 * | archive | settling | {@link KeeperHome.revive} |
 * | settling | live | a keeper answered, or was launched because something in the folder is unfinished or wanted |
 * | settling | archive | the keeper is gone and everything in the folder is finished |
 *
 * While settling, calls wait. A settling that fails rejects them and is tried again.
 */
export class KeeperHome {
  readonly number: number;
  readonly files: KeeperFiles;
  readonly #options: HomeOptions;
  readonly #records = new Map<string, ProcessRecord>();
  /** Those that a keeper still has to look after. */
  readonly #unfinished = new Set<string>();
  #settled: Promise<State> = Promise.resolve({ kind: 'archive' });
  #state: State | undefined;
  #busy = 0;
  /** Why the keeper could not be reached, as it was logged last, or told to who opened. */
  #complaint = '';
  #opening = false;
  #idle: Timer | undefined;
  readonly #stop = new AbortController();

  constructor(options: HomeOptions) {
    this.#options = options;
    this.number = options.number;
    this.files = keeperFiles(join(options.keepersFolder, String(options.number)));
  }

  /** Connects, adopts or reads the folder. Rejects when that fails; it is then tried again in the background. */
  async open({ signal }: WaitOptions = {}): Promise<void> {
    this.#opening = true;
    try {
      await orAborted(
        this.#settle((bound) => this.#reach(false, bound)),
        signal,
      );
    } finally {
      this.#opening = false;
    }
  }

  /** Whether new processes may start here without another keeper. */
  get isCurrent(): boolean {
    return this.#state?.kind === 'live' && this.#state.bundle === this.#options.bundle.hash;
  }

  /** Whether a keeper may be launched here for new processes. */
  get isArchive(): boolean {
    return this.#state?.kind === 'archive';
  }

  get isEmpty(): boolean {
    return this.#records.size === 0;
  }

  /** Launches a keeper on an archive. */
  async revive({ signal }: WaitOptions = {}): Promise<void> {
    if (this.#state?.kind !== 'archive') {
      await orAborted(this.#settled, signal);
      return;
    }
    const reviving = this.#settle((bound) => this.#reach(true, bound));
    reviving.catch(() => {
      // Without a keeper it is the archive it was: the next start tries here again and makes no other folder.
      if (!this.#stop.signal.aborted) this.#settle((bound) => this.#reach(false, bound)).catch(ignore);
    });
    await orAborted(reviving, signal);
  }

  /** Asks the keeper. Undefined: there is none, the folder is an archive. Rejects as {@link KeeperLink.call} does, or as the settling. */
  async call(request: Request, { signal }: WaitOptions = {}): Promise<unknown> {
    this.#hold();
    try {
      for (;;) {
        const state = await orAborted(this.#settled, signal);
        if (state.kind === 'archive') return undefined;
        try {
          return await state.link.call(request, { signal });
        } catch (error) {
          // Never sent: the keeper's successor gets it.
          if (!isCircuitError(error, 'peer-gone')) throw error;
          throwIfAborted(this.#stop.signal);
          await new Promise(setImmediate);
        }
      }
    } finally {
      this.#release();
    }
  }

  /** Waits until it is known whether there is a keeper. */
  async settled({ signal }: WaitOptions = {}): Promise<void> {
    await orAborted(this.#settled, signal);
  }

  /** Removes a process from the disk of an archive. */
  removeArchived(id: string): void {
    rmSync(processFiles(this.files, id).folder, { recursive: true, force: true });
    this.#take({ kind: 'forgotten', id });
    if (this.isEmpty) rmSync(this.files.folder, { recursive: true, force: true });
  }

  /** Waits until the keeper's process is gone. */
  async gone({ signal }: WaitOptions = {}): Promise<void> {
    const record = readKeeperRecord(this.files);
    const { clock, table } = this.#options;
    const wait = async (): Promise<void> => {
      while (record !== undefined && isAlive(table, record)) await pause(clock, pollMs, { signal });
    };
    await holdLoop(wait());
  }

  /** Lets the keeper go on alone. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new CircuitError('closed', 'the keeper set is closed'));
    this.#stopIdle();
    const state = await this.#settled.catch(ignore);
    if (state?.kind === 'live') await state.link.close();
  }

  #settle(reach: (signal: AbortSignal) => Promise<State>): Promise<State> {
    this.#state = undefined;
    const { clock, logger } = this.#options;
    const limit = deadline(clock, patienceMs, `keeper ${this.files.folder}`);
    const bound = linkSignals(limit.signal, this.#stop.signal);
    const settled = holdLoop(reach(bound.signal)).finally(() => {
      bound.dispose();
      limit.dispose();
    });
    this.#settled = settled;
    settled.then(
      (state) => this.#reached(state),
      (error: unknown) => {
        if (this.#stop.signal.aborted) return;
        // Tried every second: the log says it once. Who opens or starts hears it anyway.
        const complaint = toCircuitError(error).message;
        if (complaint !== this.#complaint && !this.#opening)
          logger.error('keeper cannot be reached', { folder: this.files.folder, error: complaint });
        this.#complaint = complaint;
        clock.after(retryMs, () => {
          if (this.#stop.signal.aborted || this.#settled !== settled) return;
          this.#settle((signal) => this.#reach(false, signal)).catch(ignore);
        });
      },
    );
    return settled;
  }

  async #reach(launch: boolean, signal: AbortSignal): Promise<State> {
    const { bundle, table, clock, nodePath, socketFolder, segmentBytes, keepTotalBytes } = this.#options;
    let launches = 0;
    for (let mayLaunch = launch; ; ) {
      const record = readKeeperRecord(this.files);
      if (record !== undefined && isAlive(table, record)) {
        const link = await this.#dial(record.socket, signal);
        if (link !== undefined) return { kind: 'live', link, bundle: record.bundle };
        // It is ending. A second keeper on the folder must wait until it has let go.
        await pause(clock, pollMs, { signal });
        continue;
      }
      const archive = readArchive(this.files);
      if (!mayLaunch && !archive.unfinished) {
        this.#replace(archive.processes);
        return { kind: 'archive' };
      }
      mayLaunch = false;
      const socketPath = socketPathOf(socketFolder, this.files.folder, this.number);
      const keeper = { socketPath, segmentBytes, keepTotalBytes };
      launches += 1;
      try {
        await launchKeeper({ files: this.files, bundle, nodePath, keeper, signal });
      } catch (error) {
        // It may have been killed while it came up; a broken one fails again.
        if (launches >= maxLaunches || signal.aborted) throw error;
        mayLaunch = launch;
      }
    }
  }

  async #dial(socketPath: string, signal: AbortSignal): Promise<KeeperLink | undefined> {
    let link: KeeperLink | undefined;
    try {
      const { keepTotalBytes } = this.#options;
      link = await dialKeeper(socketPath, { keepTotalBytes, onEvent: (event) => this.#take(event), signal });
      // Watching first: what changes while the pages come is told by events, which are newer than the page they overtake.
      await link.call({ verb: 'watch' }, { signal });
      const known = new Set<string>();
      for (let from: number | undefined = 0; from !== undefined; ) {
        const page = readListAnswer(await link.call({ verb: 'list', from }, { signal }));
        if (page === undefined) throw new CircuitError('protocol', 'keeper: a malformed list');
        for (const process of page.processes) {
          known.add(process.id);
          this.#take({ kind: 'process', process });
        }
        from = page.next;
      }
      for (const id of [...this.#records.keys()]) if (!known.has(id)) this.#take({ kind: 'forgotten', id });
      return link;
    } catch (error) {
      await link?.close();
      if (signal.aborted || isCircuitError(error, 'unsupported')) throw error;
      return undefined;
    }
  }

  #reached(state: State): void {
    this.#state = state;
    if (state.kind === 'live') this.#complaint = '';
    if (state.kind === 'archive') return;
    void state.link.closed.then(() => {
      if (this.#state !== state) return;
      this.#stopIdle();
      if (!this.#stop.signal.aborted) this.#settle((signal) => this.#reach(false, signal)).catch(ignore);
    });
    this.#considerIdle();
  }

  #hold(): void {
    this.#busy += 1;
    this.#stopIdle();
  }

  #release(): void {
    this.#busy -= 1;
    this.#considerIdle();
  }

  #stopIdle(): void {
    this.#idle?.cancel();
    this.#idle = undefined;
  }

  #considerIdle(): void {
    const state = this.#state;
    if (state?.kind !== 'live' || this.#busy > 0 || this.#unfinished.size > 0) return;
    this.#idle ??= this.#options.clock.after(this.#options.idleMs, () => {
      this.#idle = undefined;
      this.#settle((signal) => this.#retire(state, signal)).catch(ignore);
    });
  }

  /** Lets a keeper go that has nothing left: its memory is the cost of running processes only. */
  async #retire(live: Live, signal: AbortSignal): Promise<State> {
    try {
      await live.link.call({ verb: 'shutdown', kill: false }, { signal });
    } catch {
      if (live.link.isOpen) return live;
    }
    await orAborted(live.link.closed, signal);
    return this.#reach(false, signal);
  }

  #replace(processes: readonly ProcessRecord[]): void {
    const known = new Set(processes.map(({ id }) => id));
    for (const id of [...this.#records.keys()]) if (!known.has(id)) this.#take({ kind: 'forgotten', id });
    for (const process of processes) this.#take({ kind: 'process', process });
  }

  #take(event: ProcessEvent): void {
    if (event.kind === 'process') {
      const { process } = event;
      this.#records.set(process.id, process);
      if (process.phase === 'ended' && process.stdout.eof && process.stderr.eof) this.#unfinished.delete(process.id);
      else this.#unfinished.add(process.id);
    } else {
      this.#unfinished.delete(event.id);
      if (!this.#records.delete(event.id)) return;
    }
    this.#options.onEvent(event);
    if (this.#unfinished.size === 0) this.#considerIdle();
    else this.#stopIdle();
  }
}

/** Bytes of the longest socket path: beyond 107 Linux cuts silently, and two daemons could meet on one socket. */
const maxSocketPathBytes = 100;

/** The socket of keeper `number`. Throws `invalid` when its path is too long. */
export function socketPathOf(socketFolder: string | undefined, homeFolder: string, number: number): string {
  const path = socketFolder === undefined ? join(homeFolder, 'socket') : join(socketFolder, `keeper-${number}`);
  const bytes = Buffer.byteLength(path);
  if (bytes <= maxSocketPathBytes) return path;
  throw new CircuitError(
    'invalid',
    `socket path ${path} has ${bytes} bytes; at most ${maxSocketPathBytes} are allowed`,
  );
}

function ignore(): undefined {
  return undefined;
}
