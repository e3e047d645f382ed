import { CircuitError } from '@circuit/base';

/** An error of the disk as one of ours, `limit` when it is full; `doing` says what was done to which file. Ours stay as they are. */
export function diskError(error: unknown, doing: string): CircuitError {
  if (error instanceof CircuitError) return error;
  const { code: detail, message } = error as NodeJS.ErrnoException;
  const isFull = detail === 'ENOSPC' || detail === 'EDQUOT';
  return new CircuitError(isFull ? 'limit' : 'io', `${doing}: ${isFull ? 'the disk is full' : message}`, {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
  });
}
