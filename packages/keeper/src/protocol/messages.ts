import type { ErrorRecord } from '@circuit/base';
import type { OutputMode, ProcessRecord, StreamName } from '../client/types.js';

/** The one version there is; a keeper answers any other with `unsupported`. */
export const protocolVersion = 1;

/** Most records in one answer to `list`. */
export const listPageRecords = 500;

/** What the keeper needs to start a process: every default is filled in by the client. */
export interface StartOrder {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** PATH to search when `env` has none. */
  readonly searchPath: string;
  readonly cwd: string;
  readonly mode: OutputMode;
  readonly keepBytes: number;
  readonly windowBytes: number;
  readonly stdin: 'open' | 'closed';
}

/** What a client asks; `process` is the id of a process. See PROTOCOL.md for the meaning of each verb. */
export type Request =
  | {
      readonly verb: 'hello';
      readonly version: number;
      /** The bound over all logged output from now on; absent: as it was. */
      readonly keepTotalBytes?: number;
    }
  | { readonly verb: 'start'; readonly process: string; readonly order: StartOrder }
  | { readonly verb: 'stdin'; readonly process: string; readonly release: boolean }
  | { readonly verb: 'closeStdin'; readonly process: string }
  | { readonly verb: 'signal'; readonly process: string; readonly signal: string; readonly group: boolean }
  | { readonly verb: 'resize'; readonly process: string; readonly columns: number; readonly rows: number }
  | { readonly verb: 'watch' }
  | {
      readonly verb: 'output';
      readonly process: string;
      readonly stream: StreamName;
      /** Answer once the stream's end is beyond this offset, or final; absent: answer at once. */
      readonly after?: number;
      /** `pipe`: bytes before it may be deleted. */
      readonly consumed?: number;
    }
  | { readonly verb: 'list'; readonly from: number }
  | { readonly verb: 'forget'; readonly process: string }
  | { readonly verb: 'shutdown'; readonly kill: boolean };

export interface HelloAnswer {
  readonly version: number;
  readonly pid: number;
  readonly bundle: string;
}
export interface OutputAnswer {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly eof: boolean;
}
export interface ListAnswer {
  readonly processes: readonly ProcessRecord[];
  /** Where the next page begins; absent on the last. */
  readonly next?: number;
}

/** What the keeper says: an answer to request `id`, or an event (only after `watch`). */
export type KeeperMessage =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: ErrorRecord }
  | { readonly event: 'process'; readonly process: ProcessRecord }
  | { readonly event: 'forgotten'; readonly process: string };

export type Validated = { readonly ok: true; readonly id: number; readonly request: Request } | Refused;
/** `id` is absent when not even that could be read; the connection then ends. */
interface Refused {
  readonly ok: false;
  readonly id?: number;
  readonly reason: string;
}

type Fields = Readonly<Record<string, unknown>>;

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether `value` can name a process (and so a folder). */
export function isProcessId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value);
}

/** Checks a decoded frame from a client. Unknown fields are ignored, so that a later daemon may say more. */
export function validateRequest(value: unknown): Validated {
  if (!isFields(value)) return { ok: false, reason: 'a request must be an object' };
  const { id } = value;
  if (!isCount(id)) return { ok: false, reason: 'a request needs an id: a whole number' };
  const request = readRequest(value);
  if (typeof request === 'string') return { ok: false, id, reason: request };
  return { ok: true, id, request };
}

function readRequest(value: Fields): Request | string {
  const { verb, process } = value;
  switch (verb) {
    case 'hello':
      return readHello(value);
    case 'watch':
      return { verb };
    case 'list':
      return { verb, from: isCount(value.from) ? value.from : 0 };
    case 'shutdown':
      return { verb, kill: value.kill === true };
    default:
  }
  if (typeof verb !== 'string') return 'verb must be a string';
  if (!isProcessId(process)) return `${verb.slice(0, 32)}: process must be 1 to 64 of A-Z a-z 0-9 _ -`;
  switch (verb) {
    case 'start': {
      const order = readOrder(value.order);
      return typeof order === 'string' ? `start: ${order}` : { verb, process, order };
    }
    case 'stdin':
      return { verb, process, release: value.release === true };
    case 'closeStdin':
    case 'forget':
      return { verb, process };
    case 'signal':
      if (typeof value.signal !== 'string') return 'signal: signal must be a name';
      return { verb, process, signal: value.signal, group: value.group === true };
    case 'resize':
      if (!isCount(value.columns) || !isCount(value.rows)) return 'resize: columns and rows must be whole numbers';
      return { verb, process, columns: value.columns, rows: value.rows };
    case 'output':
      return readOutput(value, process);
    default:
      return `unknown verb ${JSON.stringify(verb.slice(0, 32))}`;
  }
}

function readHello({ version, keepTotalBytes }: Fields): Request | string {
  if (!isCount(version)) return 'hello: version must be a whole number';
  if (keepTotalBytes === undefined) return { verb: 'hello', version };
  return isCount(keepTotalBytes)
    ? { verb: 'hello', version, keepTotalBytes }
    : 'hello: keepTotalBytes must be a number of bytes';
}

function readOutput(value: Fields, process: string): Request | string {
  const { stream, after, consumed } = value;
  if (stream !== 'stdout' && stream !== 'stderr') return 'output: stream must be stdout or stderr';
  if (after !== undefined && !isCount(after)) return 'output: after must be an offset';
  if (consumed !== undefined && !isCount(consumed)) return 'output: consumed must be an offset';
  return {
    verb: 'output',
    process,
    stream,
    ...(after === undefined ? {} : { after }),
    ...(consumed === undefined ? {} : { consumed }),
  };
}

function readOrder(value: unknown): StartOrder | string {
  if (!isFields(value)) return 'order must be an object';
  const { path, args, env, searchPath, cwd, mode, keepBytes, windowBytes, stdin } = value;
  if (!isText(path) || path === '') return 'path must be a non-empty string without NUL';
  if (!isTexts(args)) return 'args must be strings without NUL';
  if (!isEnvironment(env)) return 'env must map names without = and NUL to strings without NUL';
  if (!isText(searchPath)) return 'searchPath must be a string';
  if (!isText(cwd) || !cwd.startsWith('/')) return 'cwd must be an absolute path';
  if (mode !== 'log' && mode !== 'pipe') return 'mode must be log or pipe';
  if (!isCount(keepBytes) || keepBytes < 65_536) return 'keepBytes must be at least 65536';
  if (!isCount(windowBytes) || windowBytes < 65_536) return 'windowBytes must be at least 65536';
  if (stdin !== 'open' && stdin !== 'closed') return 'stdin must be open or closed';
  return { path, args, env, searchPath, cwd, mode, keepBytes, windowBytes, stdin };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isEnvironment(value: unknown): value is Readonly<Record<string, string>> {
  return (
    isFields(value) &&
    Object.entries(value).every(([name, text]) => isText(name) && name !== '' && !name.includes('=') && isText(text))
  );
}
