import { CircuitError, type ErrorCode, isCircuitError } from '@circuit/base';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  EEXIST: 'conflict',
};

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** An error of the file system as one of ours: `what` says what was done to which file. Ours stay as they are. */
export function fileError(error: unknown, what: string): CircuitError {
  if (isCircuitError(error)) return error;
  const errno = errnoOf(error);
  const code = (errno === undefined ? undefined : codes[errno]) ?? 'io';
  const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
  const reason = isFull ? 'the disk is full' : error instanceof Error ? wordsOf(error) : String(error);
  return new CircuitError(code, `${what}: ${reason}`, {
    cause: error,
    ...(errno === undefined ? {} : { detail: errno }),
  });
}

/** `ENOENT: no such file or directory, open 'key'` without what is said beside it. */
function wordsOf({ message }: Error): string {
  return message.replace(/^[A-Z]+: /, '').replace(/, \w+(?: '.*')?$/s, '');
}
