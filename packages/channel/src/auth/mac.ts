import { CircuitError } from '@circuit/base';
import type { Role } from '../session/table.js';
import { partsLength, writeParts } from '../wire/parts.js';

/** What both sides said and share, of which the MACs are made. */
export interface AuthTranscript {
  /** The payloads of the two HELLOs, whole. */
  readonly dialler: Uint8Array;
  readonly listener: Uint8Array;
  /** The TLS exporter's value, or nothing. */
  readonly binding: Uint8Array;
}

export const macBytes = 32;
export const nonceBytes = 32;
/** The exporter that binds a session to its TLS connection (RFC 9266). */
export const bindingLabel = 'EXPORTER-Channel-Binding';
export const bindingBytes = 32;

const label = 'circuit channel auth 1 ';

/** What `role` authenticates: its label and the transcript, each behind its length. */
function macInput(role: Role, { dialler, listener, binding }: AuthTranscript): Uint8Array {
  const parts = [new TextEncoder().encode(label + role), dialler, listener, binding];
  const bytes = new Uint8Array(partsLength(parts));
  writeParts(bytes, 0, parts);
  return bytes;
}

/** Both sides' MACs, by HMAC-SHA-256 of the platform. Rejects with `unsupported` where that is missing. */
export async function authMacs(key: Uint8Array, transcript: AuthTranscript): Promise<Record<Role, Uint8Array>> {
  // Browsers have it in secure contexts only: https and localhost.
  const subtle = (crypto as { readonly subtle?: typeof crypto.subtle }).subtle;
  if (subtle === undefined) throw new CircuitError('unsupported', 'authentication needs WebCrypto: a page from https');
  const hmac = await subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const [dialler, listener] = await Promise.all(
    (['dialler', 'listener'] as const).map((role) => subtle.sign('HMAC', hmac, macInput(role, transcript))),
  );
  return { dialler: new Uint8Array(dialler as ArrayBuffer), listener: new Uint8Array(listener as ArrayBuffer) };
}

/** Whether two MACs are equal, in a time that does not depend on where they differ. */
export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
