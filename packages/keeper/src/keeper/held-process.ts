import { CircuitError } from '@circuit/base';
import type { OutputMode, ProcessExit, ProcessPhase, ProcessRecord, StreamName } from '../client/types.js';
import type { ProcessFiles } from '../folder/process-files.js';
import type { BirthRecord, ExitRecord } from '../folder/records.js';
import type { Output } from './output.js';
import type { Stdin } from './stdin.js';

export interface HeldProcessParts {
  readonly id: string;
  /** Orders the processes of a keeper by their start. */
  readonly sequence: number;
  readonly files: ProcessFiles;
  readonly birth: BirthRecord;
  readonly mode: OutputMode;
  readonly keepBytes: number;
  readonly stdin: Stdin;
  readonly stdout: Output;
  readonly stderr: Output;
}

/**
 * One process and what is known of it.
 *
 * | phase | to | by |
 * |---|---|---|
 * | running, continued | stopped | SIGSTOP and its kin, seen in the process table |
 * | stopped | continued | SIGCONT, seen there |
 * | running, stopped, continued | ended | its exit; or, adopted, its absence |
 */
export class HeldProcess {
  readonly id: string;
  readonly sequence: number;
  readonly files: ProcessFiles;
  readonly birth: BirthRecord;
  readonly mode: OutputMode;
  readonly stdin: Stdin;
  readonly #keepBytes: number;
  readonly #outputs: Readonly<Record<StreamName, Output>>;
  #phase: ProcessPhase = 'running';
  #ending: Pick<ExitRecord, 'exit' | 'endedMs'> | undefined;

  constructor(parts: HeldProcessParts) {
    this.id = parts.id;
    this.sequence = parts.sequence;
    this.files = parts.files;
    this.birth = parts.birth;
    this.mode = parts.mode;
    this.stdin = parts.stdin;
    this.#keepBytes = parts.keepBytes;
    this.#outputs = { stdout: parts.stdout, stderr: parts.stderr };
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether the keeper has nothing more to do for it. */
  get settled(): boolean {
    return this.ended && this.#outputs.stdout.eof && this.#outputs.stderr.eof;
  }

  output(stream: StreamName): Output {
    return this.#outputs[stream];
  }

  /** Notes what the process table says; true when that is a change of phase. */
  observe(state: 'alive' | 'stopped'): boolean {
    if (this.ended) return false;
    if (state === 'stopped' && this.#phase !== 'stopped') {
      this.#phase = 'stopped';
      return true;
    }
    if (state === 'alive' && this.#phase === 'stopped') {
      this.#phase = 'continued';
      return true;
    }
    return false;
  }

  /** The end. All that the process wrote is in the segments when this returns. */
  end(exit: ProcessExit, endedMs: number): void {
    this.#outputs.stdout.drain();
    this.#outputs.stderr.drain();
    this.stdin.close();
    this.#phase = 'ended';
    this.#ending = { exit, endedMs };
  }

  /** An end that an earlier keeper recorded. */
  endedBefore(ending: ExitRecord): void {
    const { exit, endedMs } = ending;
    this.#phase = 'ended';
    this.#ending = { exit, endedMs };
  }

  /** What `exit.json` is to hold; undefined while the process runs. */
  get ending(): ExitRecord | undefined {
    if (this.#ending === undefined) return undefined;
    const stdout = this.#outputs.stdout.ending;
    const stderr = this.#outputs.stderr.ending;
    return { ...this.#ending, ...(stdout && { stdout }), ...(stderr && { stderr }) };
  }

  /** `log`: drops whole segments until the process is within its bound. */
  keepBound(): void {
    if (this.mode !== 'log') return;
    while (this.keptBytes > this.#keepBytes && this.dropOldest() > 0);
  }

  /** Bytes of both streams on disk. */
  get keptBytes(): number {
    return this.#outputs.stdout.keptBytes + this.#outputs.stderr.keptBytes;
  }

  /** Drops the oldest whole segment of the larger stream, else of the other; the bytes freed, 0 when none can go. */
  dropOldest(): number {
    const before = this.keptBytes;
    const { stdout, stderr } = this.#outputs;
    const [larger, smaller] = stdout.keptBytes >= stderr.keptBytes ? [stdout, stderr] : [stderr, stdout];
    if (!larger.dropOldest()) smaller.dropOldest();
    return before - this.keptBytes;
  }

  /** Throws `gone` once the process has ended. */
  mustRun(): void {
    if (this.ended) throw new CircuitError('gone', `process ${this.id} has ended`);
  }

  record(): ProcessRecord {
    const { pid, startTime, bootId, startedMs } = this.birth;
    return {
      id: this.id,
      pid,
      startTime,
      bootId,
      phase: this.#phase,
      ...(this.#ending === undefined ? {} : { exit: this.#ending.exit, endedMs: this.#ending.endedMs }),
      mode: this.mode,
      stdin: this.stdin.state,
      startedMs,
      stdout: this.#outputs.stdout.record(),
      stderr: this.#outputs.stderr.record(),
    };
  }

  /** Lets go of every descriptor; the process goes on. */
  close(): void {
    this.stdin.close();
    this.#outputs.stdout.close();
    this.#outputs.stderr.close();
  }
}
