/** The possession of a session's token, shown without saying it. See docs/protocol.md, section 12. */

export const idBytes = 16;
export const tokenBytes = 32;
export const nonceBytes = 32;
export const proofBytes = 32;

/** What both sides know when one of them proves the token. */
export interface ProofText {
  readonly id: Uint8Array;
  readonly diallerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
  /** What the dialler has received; stands in its proof only. */
  readonly received?: number;
}

const hmac = { name: 'HMAC', hash: 'SHA-256' };

/** From the platform's CSPRNG. */
export function secretBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

export async function prove(token: Uint8Array, role: 'dialler' | 'listener', text: ProofText): Promise<Uint8Array> {
  const key = await importKey(token, 'sign');
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, source(serialise(role, text))));
}

/** Compares in constant time. */
export async function proves(
  token: Uint8Array,
  role: 'dialler' | 'listener',
  text: ProofText,
  proof: Uint8Array,
): Promise<boolean> {
  const key = await importKey(token, 'verify');
  return crypto.subtle.verify('HMAC', key, source(proof), source(serialise(role, text)));
}

function importKey(token: Uint8Array, use: 'sign' | 'verify'): ReturnType<typeof crypto.subtle.importKey> {
  return crypto.subtle.importKey('raw', source(token), hmac, false, [use]);
}

function serialise(role: 'dialler' | 'listener', text: ProofText): Uint8Array {
  const label = new TextEncoder().encode(`circuit resume 1 ${role}\0`);
  const parts = [label, text.id, text.diallerNonce, text.listenerNonce];
  if (text.received !== undefined) {
    const received = new Uint8Array(8);
    new DataView(received.buffer).setBigUint64(0, BigInt(text.received));
    parts.push(received);
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What WebCrypto takes: bytes in memory that is not shared. */
function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
