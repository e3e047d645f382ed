import { type ProvedRecord, proveRecord, type SealedRecord } from '../record.js';
import type { Entry } from './events.js';

/** The version of what servers say to each other on a membership channel. */
export const meshVersion = 1;

/**
 * The messages of a membership channel. The dialler sends `hello` and asks for a return channel, on which the listener speaks:
 *
 *     dialler ─hello─▶ · ◀─welcome─ listener · dialler ─proof─▶ · then `entries` both ways, everything that is known first
 */
export type MeshMessage =
  | { readonly type: 'hello'; readonly record: ProvedRecord; readonly nonce: Uint8Array }
  | {
      readonly type: 'welcome';
      readonly record: ProvedRecord;
      readonly nonce: Uint8Array;
      readonly signature: Uint8Array;
      /** False: the listener has a link with the dialler or is making one. */
      readonly wanted: boolean;
    }
  | { readonly type: 'proof'; readonly signature: Uint8Array }
  | { readonly type: 'entries'; readonly entries: readonly Entry[] };

/** Bounds of a message; the receiver checks. */
export const messageLimits: { readonly entries: number; readonly nonceBytes: number } = {
  entries: 256,
  nonceBytes: 32,
};

/** The wire form of one entry. */
export interface WireEntry extends SealedRecord {
  readonly dead: boolean;
}

/** Reads a message from outside; a text says what is wrong with it. Every record in it was signed by its server. */
export function readMessage(value: unknown): MeshMessage | string {
  if (!isObject(value)) return 'message is no object';
  switch (value.type) {
    case 'hello':
      return value.version === meshVersion ? readHello(value) : `membership version is not ${meshVersion}`;
    case 'welcome': {
      const hello = readHello(value);
      if (typeof hello === 'string') return hello;
      const signature = bytesOf(value.signature);
      if (signature === undefined || typeof value.wanted !== 'boolean') return 'malformed welcome';
      return { ...hello, type: 'welcome', signature, wanted: value.wanted };
    }
    case 'proof': {
      const signature = bytesOf(value.signature);
      return signature === undefined ? 'proof without signature' : { type: 'proof', signature };
    }
    case 'entries':
      return readEntries(value.entries);
    default:
      return 'message of unknown type';
  }
}

function readHello(value: Record<string, unknown>): Extract<MeshMessage, { type: 'hello' }> | string {
  const record = proveRecord(value.record);
  if (typeof record === 'string') return record;
  const nonce = bytesOf(value.nonce);
  if (nonce?.length !== messageLimits.nonceBytes) return `nonce has not ${messageLimits.nonceBytes} bytes`;
  return { type: 'hello', record, nonce };
}

function readEntries(value: unknown): MeshMessage | string {
  if (!Array.isArray(value)) return 'entries are no list';
  if (value.length > messageLimits.entries) return `${value.length} entries, at most ${messageLimits.entries}`;
  const entries: Entry[] = [];
  for (const item of value as readonly unknown[]) {
    const proved = proveRecord(item);
    if (typeof proved === 'string') return proved;
    const dead = isObject(item) ? item.dead : undefined;
    if (typeof dead !== 'boolean') return `entry of ${proved.record.id} does not say whether it is dead`;
    entries.push({ ...proved, dead });
  }
  return { type: 'entries', entries };
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
