/** Frames: `type u8 | length u24 BE | id varint | payload`; `length` counts id and payload. See docs/protocol.md. */

import type * as refKind from './ref-kind.js';

/** What a connection begins with instead of HELLO when it carries the descriptors of a session. */
export const laneType = 0x12;

/** What a connection begins with instead of HELLO when its session is to outlive it. */
export const resumeType = 0x13;

/** Types from here on may be ignored by who does not know them. */
export const firstIgnorableType = 0x80;

/** A value of `ref-kind.ts`. */
export type RefKind = (typeof refKind)[keyof typeof refKind];

/** Bytes of `type` and `length`. */
export const headerBytes = 4;
/** The largest body of one frame. */
export const maxBodyBytes = 65_536;
/** The largest `length`: a body and 8 KiB for id, flags and references, or an OPEN. */
export const maxLength: number = maxBodyBytes + 8192;
/** Smaller pieces are copied by who holds them beyond the call, so that they do not keep all the memory that they came in. */
export const copyBelowBytes = 8192;
/** The most references of one message. */
export const maxRefs = 512;
/** What one message costs of its channel's credit besides its body. */
export const messageCost = 32;
/** What one reference costs of its channel's credit. */
export const refCost = 64;
export const maxTargetBytes = 1024;
export const maxOriginBytes = 4096;
export const maxReasonBytes = 1024;
export const maxCodecNameBytes = 64;

export const protocolVersion = 1;
/** The first bytes of a HELLO's payload: "CRCT". */
export const magic: Uint8Array = Uint8Array.of(0x43, 0x52, 0x43, 0x54);
