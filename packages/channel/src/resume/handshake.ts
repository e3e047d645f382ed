import { headerBytes, maxReasonBytes, resumeType } from '../wire/frame.js';
import * as frameType from '../wire/frame-type.js';
import { ByteCursor, varintLength, writeVarint } from '../wire/varint.js';
import { maxBufferBytes, maxTimeMs, minBufferBytes, minTimeMs, type ResumeTerms } from './options.js';
import { idBytes, nonceBytes, proofBytes, tokenBytes } from './proof.js';

const resumeVersion = 1;
/** "CRRS" */
const magic = [0x43, 0x52, 0x52, 0x53];
export const maxPayloadBytes = 4096;

/** Why a listener does not take a connection. */
export type RefusalCode = 'gone' | 'denied' | 'limit' | 'protocol';

/** One step of the handshake. */
export type Step =
  | ({ readonly step: 'new' } & ResumeTerms)
  | ({ readonly step: 'started'; readonly id: Uint8Array; readonly token: Uint8Array } & ResumeTerms)
  | { readonly step: 'again'; readonly id: Uint8Array; readonly nonce: Uint8Array }
  | { readonly step: 'challenge'; readonly nonce: Uint8Array; readonly proof: Uint8Array }
  | { readonly step: 'proof'; readonly received: number; readonly proof: Uint8Array }
  | { readonly step: 'go-on'; readonly received: number }
  | { readonly step: 'refused'; readonly code: string; readonly message: string };

type Field = number | Uint8Array | string;

const numbers = { new: 1, started: 2, again: 3, challenge: 4, proof: 5, 'go-on': 6, refused: 7 } as const;
const encoder = new TextEncoder();

/** The frame of a step. */
export function encodeStep(step: Step): Uint8Array {
  const fields: Field[] = [Uint8Array.from(magic), resumeVersion, Uint8Array.of(numbers[step.step]), ...fieldsOf(step)];
  const parts = fields.flatMap((field): Uint8Array[] => {
    if (field instanceof Uint8Array) return [field];
    if (typeof field === 'number') return [varint(field)];
    // Three bytes of UTF-8 for each unit of a text at the most.
    const text = encoder.encode(field.slice(0, maxReasonBytes / 4));
    return [varint(text.length), text];
  });
  const length = 1 + parts.reduce((sum, part) => sum + part.length, 0);
  const frame = new Uint8Array(headerBytes + length);
  frame.set([resumeType, length >>> 16, length >>> 8, length]);
  let at = headerBytes + 1;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/** The step at the beginning of `bytes` and how long its frame is; `undefined` if it is not whole, a string if it is none. */
export function decodeStep(bytes: Uint8Array): { readonly step: Step; readonly length: number } | string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] !== resumeType) return bytes[0] === frameType.hello ? 'HELLO' : `frame type ${bytes[0]} before RESUME`;
  if (bytes.length < headerBytes) return undefined;
  const [, high = 0, middle = 0, low = 0] = bytes;
  const length = (high << 16) | (middle << 8) | low;
  if (length > maxPayloadBytes) return `RESUME of ${length} bytes, the limit is ${maxPayloadBytes}`;
  const end = headerBytes + length;
  if (bytes.length < end) return undefined;
  const cursor = new ByteCursor(bytes, headerBytes, end);
  const step = readStep(cursor);
  if (typeof step === 'string') return step;
  return cursor.ok() ? { step, length: end } : 'malformed RESUME';
}

function readStep(cursor: ByteCursor): Step | string {
  const id = cursor.varint();
  const word = cursor.take(magic.length);
  if (!cursor.ok() || id !== 0 || !magic.every((byte, i) => word[i] === byte)) return 'malformed RESUME';
  const version = cursor.varint();
  if (!cursor.ok() || version !== resumeVersion) return `RESUME: version ${version}, this side speaks ${resumeVersion}`;
  const number = cursor.byte();
  switch (number) {
    case numbers.new:
      return bounded({ step: 'new', ...terms(cursor) });
    case numbers.started:
      return bounded({
        step: 'started',
        id: bytes(cursor, idBytes),
        token: bytes(cursor, tokenBytes),
        ...terms(cursor),
      });
    case numbers.again:
      return { step: 'again', id: bytes(cursor, idBytes), nonce: bytes(cursor, nonceBytes) };
    case numbers.challenge:
      return { step: 'challenge', nonce: bytes(cursor, nonceBytes), proof: bytes(cursor, proofBytes) };
    case numbers.proof:
      return { step: 'proof', received: cursor.varint(), proof: bytes(cursor, proofBytes) };
    case numbers['go-on']:
      return { step: 'go-on', received: cursor.varint() };
    case numbers.refused:
      return { step: 'refused', code: cursor.text(maxReasonBytes), message: cursor.text(maxReasonBytes) };
    default:
      return `RESUME: unknown step ${number}`;
  }
}

function fieldsOf(step: Step): Field[] {
  switch (step.step) {
    case 'new':
      return [step.timeMs, step.bufferBytes];
    case 'started':
      return [step.id, step.token, step.timeMs, step.bufferBytes];
    case 'again':
      return [step.id, step.nonce];
    case 'challenge':
      return [step.nonce, step.proof];
    case 'proof':
      return [step.received, step.proof];
    case 'go-on':
      return [step.received];
    case 'refused':
      return [step.code, step.message];
  }
}

function bounded<S extends Step & ResumeTerms>(step: S): S | string {
  const { timeMs, bufferBytes } = step;
  if (timeMs < minTimeMs || timeMs > maxTimeMs) return `RESUME: timeMs ${timeMs}, from ${minTimeMs} to ${maxTimeMs}`;
  if (bufferBytes < minBufferBytes || bufferBytes > maxBufferBytes) {
    return `RESUME: bufferBytes ${bufferBytes}, from ${minBufferBytes} to ${maxBufferBytes}`;
  }
  return step;
}

function terms(cursor: ByteCursor): ResumeTerms {
  return { timeMs: cursor.varint(), bufferBytes: cursor.varint() };
}

/** A copy: what arrived may be part of a much larger chunk. */
function bytes(cursor: ByteCursor, length: number): Uint8Array {
  return cursor.take(length).slice();
}

function varint(value: number): Uint8Array {
  const room = new Uint8Array(varintLength(value));
  writeVarint(room, 0, value);
  return room;
}
