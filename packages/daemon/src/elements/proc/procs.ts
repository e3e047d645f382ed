import { randomBytes } from 'node:crypto';
import { CircuitError, isCircuitError, type Logger, throwIfAborted } from '@circuit/base';
import type { StartRefusal, StartSpec } from '@circuit/keeper/client';
import type { Cmd } from '@circuit/protocol';
import type { Namespace } from '../../namespace/namespace.js';
import type { Maker } from '../element.js';
import { ProcElement, type ProcOptions } from './proc-element.js';
import type { ProcRecord } from './proc-record.js';

/** The processes of this server: makes their elements and brings those of earlier starts back. */
export class Procs {
  readonly #options: ProcOptions;
  readonly #elements = new Map<string, ProcElement>();
  readonly #unwatch: () => void;

  constructor(options: ProcOptions) {
    this.#options = options;
    this.#unwatch = options.keepers.watch((event) => {
      if (event.kind === 'forgotten') this.#elements.delete(event.id);
      else if (event.process.phase === 'ended') this.#elements.get(event.process.id)?.ended();
    });
  }

  /** Starts a process. Throws `cannot-start` with the system's reason as the detail, so that 127 and 126 can be told. */
  readonly make: Maker<'mkproc'> = async ({ path, cmd }, place, call) => {
    const { folder, keepers } = this.#options;
    const record: ProcRecord = { id: randomBytes(8).toString('hex'), path, number: place.number, cmd };
    const { signal } = call;
    await folder.save(record);
    try {
      const started = await keepers.start(startSpec(record.id, cmd), { signal });
      throwIfAborted(signal);
      if (!started.ok) throw cannotStart(path, started);
      const element = new ProcElement(record, place, this.#options);
      this.#elements.set(record.id, element);
      if (keepers.get(record.id)?.phase === 'ended') element.ended();
      return { element, response: { element: place.number, pid: started.process.pid } };
    } catch (error) {
      await this.#undo(record.id, error);
      throw error;
    }
  };

  /** Puts the processes of earlier starts back to their paths; called once, before anything is served. */
  async restore(namespace: Namespace): Promise<void> {
    const { folder, keepers, logger } = this.#options;
    const records = await folder.load();
    const known = new Set(records.map(({ id }) => id));
    for (const record of records) {
      const process = keepers.get(record.id);
      if (process === undefined) {
        // It was never started, or was being forgotten when the daemon ended.
        await folder.remove(record.id);
        continue;
      }
      const place = placeOf(namespace, record, logger);
      if (place === undefined) continue;
      const element = new ProcElement(record, place, this.#options);
      this.#elements.set(record.id, element);
      place.fill(element);
      if (process.phase === 'ended') element.ended();
    }
    for (const { id } of keepers.list()) if (!known.has(id)) await keepers.forget(id);
  }

  close(): void {
    this.#unwatch();
    for (const element of this.#elements.values()) element.release();
    this.#elements.clear();
  }

  /** Nothing may stay behind of a start that failed or was given up, except where nobody can know. */
  async #undo(id: string, error: unknown): Promise<void> {
    const { folder, keepers } = this.#options;
    if (keepers.get(id) !== undefined) {
      await keepers.signal(id, 'SIGKILL', { group: true }).catch(ignore);
      await keepers.forget(id).catch(ignore);
    } else if (isCircuitError(error, 'outcome-unknown')) return;
    await folder.remove(id);
  }
}

function placeOf(
  namespace: Namespace,
  record: ProcRecord,
  logger: Logger,
): ReturnType<Namespace['reclaim']> | undefined {
  try {
    // The server may have got a new identity since; the path below it stays.
    const path = record.path.replace(/^\/[^/]+/, `/${namespace.serverId}`);
    return namespace.reclaim(path, record.number);
  } catch (error) {
    logger.error('a process is not back at its path', { path: record.path, error: String(error) });
    return undefined;
  }
}

function startSpec(id: string, cmd: Cmd): StartSpec {
  return {
    id,
    path: cmd.path,
    args: cmd.args,
    ...(cmd.env === undefined ? {} : { env: environment(cmd.env) }),
    cwd: cmd.dir ?? process.cwd(),
    mode: cmd.mode ?? 'log',
    ...(cmd.keepBytes === undefined ? {} : { keepBytes: cmd.keepBytes }),
  };
}

function environment(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** The detail tells a shell's 127 (`ENOENT`, `no-command`) from its 126 (everything else). */
function cannotStart(path: string, { exitCode, errno, message }: StartRefusal): CircuitError {
  const missing = errno === 'ENOENT';
  const detail = exitCode === 127 ? (missing ? errno : 'no-command') : missing ? 'not-executable' : errno;
  return new CircuitError('cannot-start', `mkproc ${path}: ${message}`, { detail });
}

function ignore(): void {}
