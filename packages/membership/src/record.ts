import { canonicalBytes, type ServerIdentity, type SignedRecord, signRecord, verifyRecord } from '@circuit/keys';
import type { Member, MemberChanges } from './types.js';

/** What a server signs about itself. */
export interface MemberRecord extends Member {
  /** Its last word: it has left. */
  readonly left: boolean;
  /** The boot of another holder of its key that it contradicts; proof that it was alive after hearing of that one. */
  readonly rival?: string;
}

/** A record as it travels. Passed on as it came: fields of a later version are signed too. */
export type SealedRecord = SignedRecord<unknown>;

/** A record and the proof that its server made it. */
export interface ProvedRecord {
  readonly record: MemberRecord;
  readonly sealed: SealedRecord;
}

/** Bounds of a record; both sides check them. */
const recordLimits: {
  readonly recordBytes: number;
  readonly textBytes: number;
  readonly labels: number;
  readonly incarnation: number;
} = { recordBytes: 8192, textBytes: 256, labels: 64, incarnation: 2 ** 52 };

const context = 'member record';

/** The record with the signature of its server. */
export function sealRecord(identity: ServerIdentity, record: MemberRecord): SealedRecord {
  return signRecord(identity, context, record);
}

/** A record from outside, its fields and its signature checked; a text says what is wrong with it. */
export function proveRecord(value: unknown): ProvedRecord | string {
  if (!isObject(value) || !isObject(value.record)) return 'record is no object';
  const { record, publicKey, signature } = value;
  if (!(publicKey instanceof Uint8Array) || !(signature instanceof Uint8Array)) return 'record without signature';
  const read = readRecord(record);
  if (typeof read === 'string') return read;
  const sealed = { record, publicKey, signature };
  if (!verifyRecord(sealed, context, read.id)) return `record of ${read.id} is not signed by its server`;
  return { record: read, sealed };
}

/** What is wrong with a record that this server would publish, if anything. */
export function faultOf(record: MemberRecord): string | undefined {
  const read = readRecord({ ...record });
  return typeof read === 'string' ? read : undefined;
}

/** The part that others see. */
export function memberOf(record: MemberRecord): Member {
  const { id, addr, name, version, dc, labels, joined, boot, incarnation } = record;
  return { id, addr, name, version, dc, labels, joined, boot, incarnation };
}

/** The changes without properties that are absent or not for the server to change. */
export function definedChanges(changes: MemberChanges): MemberChanges {
  const { addr, name, version, dc, labels } = changes;
  return {
    ...(addr === undefined ? {} : { addr }),
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(dc === undefined ? {} : { dc }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** Which of two records of one server holds: the later incarnation, between twins the greater boot. */
export function compareRecords(a: MemberRecord, b: MemberRecord): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  return a.boot === b.boot ? 0 : a.boot > b.boot ? 1 : -1;
}

/** Whether `a` was started after `b`; a total order, since boots differ. */
export function isLater(a: Member, b: Member): boolean {
  return a.joined === b.joined ? a.boot > b.boot : a.joined > b.joined;
}

const idForm: RegExp = /^X[0-9a-f]{16}$/;
const bootForm = /^[0-9a-f]{16}$/;
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

function readRecord(record: Record<string, unknown>): MemberRecord | string {
  const { id, addr, name, version, dc, labels, joined, boot, incarnation, left, rival } = record;
  if (typeof id !== 'string' || !idForm.test(id)) return 'record without id';
  const wrong = (field: string): string => `record of ${id} has a wrong ${field}`;
  if (!isText(addr) || addr === '') return wrong('addr');
  if (!isText(name)) return wrong('name');
  if (!isText(version)) return wrong('version');
  if (!isText(dc)) return wrong('dc');
  if (!isLabels(labels)) return wrong('labels');
  if (typeof joined !== 'string' || !timeForm.test(joined)) return wrong('joined');
  if (typeof boot !== 'string' || !bootForm.test(boot)) return wrong('boot');
  if (!isIncarnation(incarnation)) return wrong('incarnation');
  if (typeof left !== 'boolean') return wrong('left');
  if (rival !== undefined && (typeof rival !== 'string' || !bootForm.test(rival))) return wrong('rival');
  if (sizeOf(record) > recordLimits.recordBytes) return wrong(`size, at most ${recordLimits.recordBytes} bytes`);
  const known = { id, addr, name, version, dc, labels, joined, boot, incarnation, left };
  return rival === undefined ? known : { ...known, rival };
}

/** Infinite for what has no canonical form. */
function sizeOf(record: Record<string, unknown>): number {
  try {
    return canonicalBytes(record).length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= recordLimits.textBytes && !/\p{Cc}/u.test(value);
}

function isLabels(value: unknown): value is Readonly<Record<string, string>> {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= recordLimits.labels && entries.every(([key, text]) => isText(key) && isText(text));
}

function isIncarnation(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= recordLimits.incarnation;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
