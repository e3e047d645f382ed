import type { PeerInfo } from '@circuit/channel';
import { CircuitError } from '@circuit/base';
import { lesserRight, type Parsed, type Right } from '@circuit/protocol';

/** On whose behalf a request is served. */
export interface Caller {
  readonly right: Right;
  /** Public id of the key that the caller proved; absent on carriers without one. */
  readonly keyId?: string;
  /** The caller's own address as its first server saw it. */
  readonly address: string;
  /** What the caller says of itself; nobody has checked it. */
  readonly name?: string;
}

/** The longest stamp that is read; a session takes no more in an OPEN. */
const maxStampBytes = 4096;
const maxTextLength = 512;

/** Who stands behind a session on which nobody stamped anything. */
export function callerOf(peer: PeerInfo, right: Right, keyId?: string): Caller {
  return { right, address: `${peer.carrier} ${peer.address}`, ...(keyId === undefined ? {} : { keyId }) };
}

/** One line that names the caller, for `peek` and logs. */
export function whoIs(caller: Caller): string {
  return caller.name === undefined ? caller.address : `${caller.name} ${caller.address}`;
}

/** What a relay writes into the OPEN of a channel that it opens on behalf of `caller`. */
export function stampOf(caller: Caller): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(caller));
}

/**
 * Reads a stamp. The caller that it names gets the lesser of its own right and that of the server that stamped, so a server
 * cannot grant more than it has.
 */
export function readStamp(bytes: Uint8Array, relayer: Caller): Parsed<Caller> {
  const record = decode(bytes);
  if (record === undefined) return malformed('no JSON object');
  const { right, keyId, address, name } = record;
  if (right !== 'read' && right !== 'act') return malformed('it names no right');
  if (!isShortText(address)) return malformed('it names no address');
  if (keyId !== undefined && !isShortText(keyId)) return malformed('its key id is no short text');
  if (name !== undefined && !isShortText(name)) return malformed('its name is no short text');
  return {
    ok: true,
    value: {
      right: lesserRight(right, relayer.right),
      address,
      ...(keyId === undefined ? {} : { keyId }),
      ...(name === undefined ? {} : { name }),
    },
  };
}

function decode(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (bytes.length > maxStampBytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTextLength;
}

function malformed(why: string): Parsed<Caller> {
  return { ok: false, error: new CircuitError('invalid', `origin of a relayed channel: ${why}`) };
}
