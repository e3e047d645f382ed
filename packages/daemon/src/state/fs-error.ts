import { CircuitError, type ErrorCode, isCircuitError } from '@circuit/base';

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
}

const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: 'not-found', what: 'it does not exist' },
  ENOTDIR: { code: 'invalid', what: 'part of the path is no folder' },
  EEXIST: { code: 'invalid', what: 'it is no folder' },
  EACCES: { code: 'denied', what: 'permission denied' },
  EPERM: { code: 'denied', what: 'not permitted' },
  EROFS: { code: 'denied', what: 'the file system is read-only' },
  ENOSPC: { code: 'io', what: 'the disk is full' },
  EDQUOT: { code: 'io', what: 'the disk quota is used up' },
  EMFILE: { code: 'limit', what: 'too many open files' },
};

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** An error of the file system as one of ours; `doing` says what was done to which file. Ours stay as they are. */
export function stateError(error: unknown, doing: string): CircuitError {
  if (isCircuitError(error)) return error;
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : meanings[errno];
  const what = meaning?.what ?? (error instanceof Error ? error.message : String(error));
  return new CircuitError(meaning?.code ?? 'io', `${doing}: ${what}`, {
    cause: error,
    ...(errno === undefined ? {} : { detail: errno }),
  });
}
