import type { CircuitError } from '@circuit/base';
import { End } from '../local/end.js';
import type { ByteReader, ByteWriter, Receiver, Sender } from '../types.js';
import { undelivered } from './undelivered.js';

const maxDepth = 128;

/**
 * A message that was taken from one channel and could not be given to the next: its return channel and the ends in its
 * value hear `undelivered`, since nobody will ever hold them. Ends that were moved meanwhile are left alone.
 */
export function abandonMessage({ value, ret }: { value: unknown; ret: Sender }, reason: CircuitError): void {
  const error = undelivered(reason);
  ret.abort(error);
  abandonEnds(value, error, 0);
}

function abandonEnds(value: unknown, error: CircuitError, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > maxDepth || ArrayBuffer.isView(value)) return;
  if (value instanceof End) {
    if (value.endKind === 'sender' || value.endKind === 'writer')
      (value as unknown as Sender | ByteWriter).abort(error);
    else (value as unknown as Receiver | ByteReader).cancel(error);
    return;
  }
  const parts = value instanceof Map ? [...value].flat(1) : value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) abandonEnds(part, error, depth + 1);
}
