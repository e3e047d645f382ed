import { CircuitError, isErrorCode } from '@circuit/base';
import { maxReasonBytes } from '../wire/frame.js';
import { partsLength, writeParts } from '../wire/parts.js';
import type { ByteCursor } from '../wire/varint.js';
import type { Writer } from './writer.js';

const encoder = new TextEncoder();

/** Behind the texts of a reason: the same may succeed later. */
const retryableFlag = 0x01;

/** Writes a frame whose payload is a reason: code, message and detail, and flags if there are any. */
export function writeReason(writer: Writer, type: number, id: number, reason: CircuitError): void {
  const parts = [reason.code, reason.message, reason.detail ?? ''].map(cutText);
  const length = partsLength(parts);
  const at = writer.begin(type, id, length + (reason.retryable ? 1 : 0));
  writeParts(writer.buffer, at, parts);
  if (reason.retryable) writer.buffer[at + length] = retryableFlag;
}

/** Reads a reason; `undefined` if it is malformed. An unknown code becomes `aborted`. */
export function readReason(payload: ByteCursor): CircuitError | undefined {
  const code = payload.text(maxReasonBytes);
  const message = payload.text(maxReasonBytes);
  const detail = payload.text(maxReasonBytes);
  if (!payload.ok()) return undefined;
  const retryable = payload.offset < payload.end && (payload.byte() & retryableFlag) !== 0;
  return new CircuitError(isErrorCode(code) ? code : 'aborted', message, {
    retryable,
    ...(detail === '' ? {} : { detail }),
  });
}

/** At most {@link maxReasonBytes} of UTF-8, cut between characters. */
function cutText(text: string): Uint8Array {
  const bytes = encoder.encode(text.length > maxReasonBytes ? text.slice(0, maxReasonBytes) : text);
  if (bytes.length <= maxReasonBytes) return bytes;
  let end = maxReasonBytes;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
