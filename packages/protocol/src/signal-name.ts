import { invalid, type Parsed, parsing, shown } from './parsed.js';

/** Number on Linux and words of every signal that can be sent; names are written without `SIG`. */
const signals: { readonly [N in SignalName]: readonly [number, string] } = {
  HUP: [1, 'hangup'],
  INT: [2, 'interrupt'],
  QUIT: [3, 'quit'],
  ILL: [4, 'illegal instruction'],
  TRAP: [5, 'trace/breakpoint trap'],
  ABRT: [6, 'aborted'],
  IOT: [6, 'aborted'],
  BUS: [7, 'bus error'],
  FPE: [8, 'floating point exception'],
  KILL: [9, 'killed'],
  USR1: [10, 'user defined signal 1'],
  SEGV: [11, 'segmentation fault'],
  USR2: [12, 'user defined signal 2'],
  PIPE: [13, 'broken pipe'],
  ALRM: [14, 'alarm clock'],
  TERM: [15, 'terminated'],
  CHLD: [17, 'child exited'],
  CONT: [18, 'continued'],
  STOP: [19, 'stopped (signal)'],
  TSTP: [20, 'stopped'],
  TTIN: [21, 'stopped (tty input)'],
  TTOU: [22, 'stopped (tty output)'],
  URG: [23, 'urgent I/O condition'],
  XCPU: [24, 'CPU time limit exceeded'],
  XFSZ: [25, 'file size limit exceeded'],
  VTALRM: [26, 'virtual timer expired'],
  PROF: [27, 'profiling timer expired'],
  WINCH: [28, 'window changed'],
  IO: [29, 'I/O possible'],
  SYS: [31, 'bad system call'],
};

/** A signal, without `SIG`: `TERM`. */
export type SignalName =
  | 'HUP'
  | 'INT'
  | 'QUIT'
  | 'ILL'
  | 'TRAP'
  | 'ABRT'
  | 'IOT'
  | 'BUS'
  | 'FPE'
  | 'KILL'
  | 'USR1'
  | 'SEGV'
  | 'USR2'
  | 'PIPE'
  | 'ALRM'
  | 'TERM'
  | 'CHLD'
  | 'CONT'
  | 'STOP'
  | 'TSTP'
  | 'TTIN'
  | 'TTOU'
  | 'URG'
  | 'XCPU'
  | 'XFSZ'
  | 'VTALRM'
  | 'PROF'
  | 'WINCH'
  | 'IO'
  | 'SYS';

/** All names, by number. */
export const signalNames: readonly SignalName[] = Object.keys(signals) as SignalName[];

/** Whether `value` is a name of {@link signalNames}. */
export function isSignalName(value: unknown): value is SignalName {
  return typeof value === 'string' && Object.hasOwn(signals, value);
}

/** Reads a name in any case, with or without `SIG`, or a number as Linux counts; 6 is `ABRT`. */
export function parseSignal(text: unknown): Parsed<SignalName> {
  return parsing(() => readSignal(text));
}

/** The throwing form of {@link parseSignal}, for readers inside this package. */
export function readSignal(text: unknown): SignalName {
  const found = typeof text === 'number' ? byNumber(text) : typeof text === 'string' ? byText(text.trim()) : undefined;
  if (found === undefined) throw invalid(`signal is ${shown(text)}`, `use one of ${signalNames.join(' ')}`);
  return found;
}

/** The name as Node and C write it: `SIGTERM`. */
export function sigName(name: SignalName): `SIG${SignalName}` {
  return `SIG${name}`;
}

/** The number on Linux; other systems number some signals otherwise, so names travel, not numbers. */
export function signalNumber(name: SignalName): number {
  return signals[name][0];
}

/** The words for a process ended by `name`, as the original prints them: `terminated`. */
export function signalWords(name: SignalName): string {
  return signals[name][1];
}

function byText(text: string): SignalName | undefined {
  if (/^\d{1,2}$/.test(text)) return byNumber(Number(text));
  const upper = text.toUpperCase();
  const bare = upper.startsWith('SIG') ? upper.slice(3) : upper;
  return signalNames.find((name) => name === bare);
}

function byNumber(value: number): SignalName | undefined {
  return signalNames.find((name) => signals[name][0] === value);
}
