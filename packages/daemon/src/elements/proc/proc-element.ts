import { CircuitError, type Clock, type Logger, type Timer, toCircuitError } from '@circuit/base';
import type { KeeperSet, OutputReader, ProcessRecord } from '@circuit/keeper/client';
import {
  allows,
  type OutputRequest,
  type OutputResponse,
  type ProcState,
  type RequestOf,
  type ResponseOf,
  sigName,
  type StdinResponse,
} from '@circuit/protocol';
import type { Call } from '../../dispatch/call.js';
import type { Element, Operations, Place } from '../element.js';
import { feedStdin } from './feed-stdin.js';
import type { ProcFolder } from './proc-folder.js';
import type { ProcRecord } from './proc-record.js';
import { procState } from './proc-state.js';
import { sendOutput } from './send-output.js';

export interface ProcOptions {
  readonly keepers: KeeperSet;
  readonly folder: ProcFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a process that removes itself stays after its end, so that who just made it can still ask for its end. */
const lingerMs = 1000;

/** A process. The keeper holds it and its output; the element knows it by its id there. */
export class ProcElement implements Element {
  readonly kind = 'proc';
  readonly operations: Operations = {
    wait: (_body, call) => this.#wait(call),
    signal: (body, call) => this.#signal(body, call),
    stdin: (_body, call) => this.#stdin(call),
    output: (body, call) => this.#output(body, call),
  };
  readonly #record: ProcRecord;
  readonly #place: Place;
  readonly #options: ProcOptions;
  /** Those who read output or wait for the end; an element that removes itself lets them finish. */
  #guests = 0;
  readonly #waiting = new Set<AbortController>();
  #linger: Timer | undefined;
  #lingered = false;
  #gone = false;

  constructor(record: ProcRecord, place: Place, options: ProcOptions) {
    this.#record = record;
    this.#place = place;
    this.#options = options;
  }

  async peek(): Promise<ProcState> {
    const known = this.#known();
    return procState(this.#record.cmd, known.phase === 'ended' ? known : await this.#withPresentEnds(known));
  }

  async scrub({ kill }: { readonly kill: boolean }): Promise<void> {
    const { keepers } = this.#options;
    const { id } = this.#record;
    const { path } = this.#place;
    // Before the kill: who waits hears the scrub, not by chance the end that it brings about.
    const scrubbed = new CircuitError('aborted', `wait ${path}: the process was scrubbed`);
    for (const waiting of this.#waiting) waiting.abort(scrubbed);
    // An ended process may have left others in its group.
    if (kill) {
      await keepers.signal(id, 'SIGKILL', { group: true }).catch((error: unknown) => {
        // It has ended meanwhile, which is what was asked for.
        if (toCircuitError(error).code !== 'gone') throw error;
      });
    }
    await this.#forget();
  }

  release(): void {
    this.#gone = true;
    this.#linger?.cancel();
  }

  /** The keeper says that the process has ended. */
  ended(): void {
    if (this.#record.cmd.scrub !== true || this.#gone || this.#linger !== undefined) return;
    this.#linger = this.#options.clock.after(lingerMs, () => {
      this.#lingered = true;
      this.#leaveIfDone();
    });
  }

  async #wait(call: Call<'wait'>): Promise<ProcState> {
    const waiting = new AbortController();
    call.onGone(() => waiting.abort());
    this.#waiting.add(waiting);
    try {
      return await this.#asGuest(async () => {
        const record = await this.#options.keepers.wait(this.#record.id, { signal: waiting.signal });
        return procState(this.#record.cmd, record);
      });
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  async #signal({ signal }: RequestOf<'signal'>, call: Call<'signal'>): Promise<ResponseOf<'signal'>> {
    await this.#naming(
      'signal',
      this.#options.keepers.signal(this.#record.id, sigName(signal), { signal: call.signal }),
    );
    return {};
  }

  async #stdin(call: Call<'stdin'>): Promise<StdinResponse> {
    const { signal } = call;
    const writer = await this.#naming('stdin', this.#options.keepers.openStdin(this.#record.id, { signal }));
    return feedStdin(writer, (event) => call.event(event), { signal });
  }

  async #output(request: OutputRequest, call: Call<'output'>): Promise<OutputResponse> {
    const { mode } = this.#known();
    const isPipe = mode === 'pipe';
    if (isPipe && !allows(call.caller.right, 'act'))
      throw new CircuitError(
        'denied',
        `output ${this.#place.path}: reading takes the bytes away; it needs the full key`,
      );
    return this.#asGuest(async () => {
      const reader = this.#options.keepers.openOutput(this.#record.id, request.stream, {
        // A log is asked for from its very first byte: what was dropped of it must be heard as a gap, not pass for nothing.
        from: request.offset ?? (isPipe ? 'start' : 0),
        follow: request.follow ?? true,
        ...(isPipe ? { acknowledge: 'manual' as const } : {}),
      });
      try {
        const sending = sendOutput(reader, (event) => call.event(event), { isPipe, signal: call.signal });
        const response = await this.#naming('output', sending);
        if (request.follow !== false) return response;
        // Without following the reader stops where the stream is now, which need not be its end.
        const { eof, endOffset } = this.#known()[request.stream];
        return { ...response, ended: eof && response.offset >= endOffset };
      } finally {
        await this.#close(reader);
      }
    });
  }

  async #close(reader: OutputReader): Promise<void> {
    try {
      await reader.close();
    } catch (error) {
      this.#options.logger.warn('a reader of output did not close', { error: toCircuitError(error).message });
    }
  }

  /** The keepers speak of ids, which no client knows, and do not know what a scrub is. */
  async #naming<T>(verb: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const cause = toCircuitError(error);
      const { id } = this.#record;
      const { path } = this.#place;
      if (this.#gone && cause.code === 'gone') {
        const message = `${verb} ${path}: the process was scrubbed`;
        throw new CircuitError('aborted', message, { cause });
      }
      throw new CircuitError(cause.code, `${verb} ${path}: ${cause.message.replace(`process ${id}`, 'the process')}`, {
        cause,
        ...(cause.detail === undefined ? {} : { detail: cause.detail }),
        retryable: cause.retryable,
      });
    }
  }

  async #asGuest<T>(visit: () => Promise<T>): Promise<T> {
    this.#guests++;
    try {
      return await visit();
    } finally {
      this.#guests--;
      this.#leaveIfDone();
    }
  }

  #leaveIfDone(): void {
    if (!this.#lingered || this.#guests > 0 || this.#gone) return;
    this.#place.vacate();
    this.#forget().catch((error: unknown) => {
      this.#options.logger.warn('a process was not forgotten', {
        id: this.#record.id,
        error: toCircuitError(error).message,
      });
    });
  }

  /** The record goes first: what the keeper still holds after a crash is nobody's and is forgotten at the next start. */
  async #forget(): Promise<void> {
    this.#gone = true;
    this.#linger?.cancel();
    await this.#options.folder.remove(this.#record.id);
    try {
      await this.#options.keepers.forget(this.#record.id);
    } catch (error) {
      if (toCircuitError(error).code !== 'not-found') throw error;
    }
  }

  #known(): ProcessRecord {
    const record = this.#options.keepers.get(this.#record.id);
    if (record === undefined) throw new CircuitError('gone', `the process at ${this.#place.path} was forgotten`);
    return record;
  }

  /** A record's ends are as of the last change of phase; a running process has written more since. */
  async #withPresentEnds(record: ProcessRecord): Promise<ProcessRecord> {
    if (record.mode === 'pipe') return record;
    const [stdout, stderr] = await Promise.all([this.#presentEnd('stdout'), this.#presentEnd('stderr')]);
    return {
      ...record,
      stdout: { ...record.stdout, endOffset: Math.max(stdout, record.stdout.endOffset) },
      stderr: { ...record.stderr, endOffset: Math.max(stderr, record.stderr.endOffset) },
    };
  }

  async #presentEnd(stream: 'stdout' | 'stderr'): Promise<number> {
    const reader = this.#options.keepers.openOutput(this.#record.id, stream, { from: 'end', follow: false });
    try {
      const item = await reader.read();
      return item.kind === 'end' ? item.offset : 0;
    } finally {
      await this.#close(reader);
    }
  }
}
