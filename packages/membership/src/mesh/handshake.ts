import { CircuitError, type WaitOptions } from '@circuit/base';
import type { Accepted, PeerInfo, Receiver, Sender, Session } from '@circuit/channel';
import { canonicalBytes, type ServerIdentity, verify } from '@circuit/keys';
import { randomBytes } from 'node:crypto';
import type { MemberRecord, ProvedRecord, SealedRecord } from '../record.js';
import { membershipTarget } from '../types.js';
import type { LinkPeer } from './events.js';
import { type MeshMessage, meshVersion, messageLimits, readMessage } from './message.js';

/** This server as it introduces itself. */
export interface Introduction {
  readonly identity: ServerIdentity;
  readonly record: MemberRecord;
  readonly sealed: SealedRecord;
  /** Whether a link with this peer would be kept. */
  wants(peer: LinkPeer): boolean;
}

/** Both directions of a membership channel whose peer has proved who it is. */
export interface Greeted {
  readonly peer: LinkPeer;
  readonly out: Sender;
  readonly in: Receiver;
}

/** Details of the errors that say why a link is not made although both sides are what they say. */
export const needless = {
  /** The dialler has a link to this server. */
  known: 'already-linked',
  /** The listener has one, or is making one. */
  crossed: 'duplicate-link',
  self: 'self',
  /** Another server than the one that was meant. */
  other: 'other-server',
} as const;

/**
 * Introduces this server on a session that it dialled. Each side signs both nonces, both boots and, where the carrier has it,
 * keying material of the connection (RFC 9266), so that nobody in between can pass signatures on. Rejects with what went
 * wrong; the channel is over then. With `expectedId` any other server is a `conflict`.
 */
export async function greet(
  session: Session,
  us: Introduction,
  { signal, expectedId }: WaitOptions & { readonly expectedId?: string | undefined } = {},
): Promise<Greeted> {
  const out = session.open({ target: membershipTarget });
  let input: Receiver | undefined;
  try {
    const nonce = randomBytes(messageLimits.nonceBytes);
    const hello = { type: 'hello', version: meshVersion, record: us.sealed, nonce };
    input = await out.send(hello, { returns: true, signal });
    const welcome = await expect(input, 'welcome', signal);
    const peer = { id: welcome.record.record.id, boot: welcome.record.record.boot, dialledByUs: true };
    const what = { dialler: us.record, listener: welcome.record.record, dial: nonce, listen: welcome.nonce };
    checkProof(welcome.record, 'listener', what, session.peer, welcome.signature);
    if (expectedId !== undefined && peer.id !== expectedId)
      throw refusal(`${peer.id} listens where ${expectedId} was`, needless.other);
    if (isSelf(us, peer)) throw refusal(`${peer.id} dialled itself`, needless.self);
    if (!us.wants(peer)) throw refusal(`a link with ${peer.id} stands already`, needless.known);
    if (!welcome.wanted) throw refusal(`${peer.id} has a link with us or is making one`, needless.crossed);
    await out.send({ type: 'proof', signature: prove(us.identity, 'dialler', what, session.peer) }, { signal });
    return { peer, out, in: input };
  } catch (error) {
    out.abort(error);
    input?.cancel(error);
    throw error;
  }
}

/** The listener's side of {@link greet}: answers on the return channel of the first message. */
export async function welcome(
  accepted: Accepted,
  session: Session,
  introduce: () => Introduction,
  { signal }: WaitOptions = {},
): Promise<Greeted> {
  let out: Sender | undefined;
  try {
    const first = await accepted.receiver.receive({ signal });
    if (first.done) throw protocol('channel ended before hello');
    out = first.ret;
    const hello = typed(readMessage(first.value), 'hello');
    const us = introduce();
    const peer = { id: hello.record.record.id, boot: hello.record.record.boot, dialledByUs: false };
    const nonce = randomBytes(messageLimits.nonceBytes);
    const what = { dialler: hello.record.record, listener: us.record, dial: hello.nonce, listen: nonce };
    const signature = prove(us.identity, 'listener', what, session.peer);
    const wanted = us.wants(peer);
    // Refused or not, the dialler learns whom it reached: that may be all it wanted to know.
    const answer = { type: 'welcome', record: us.sealed, nonce, signature, wanted };
    await out.send(answer, { signal, acknowledged: !wanted });
    if (!wanted) throw refusal(`a link with ${peer.id} stands or is being made`, needless.crossed);
    const proof = await expect(accepted.receiver, 'proof', signal);
    checkProof(hello.record, 'dialler', what, session.peer, proof.signature);
    return { peer, out, in: accepted.receiver };
  } catch (error) {
    out?.abort(error);
    accepted.receiver.cancel(error);
    throw error;
  }
}

interface Transcript {
  readonly dialler: MemberRecord;
  readonly listener: MemberRecord;
  readonly dial: Uint8Array;
  readonly listen: Uint8Array;
}

type Side = 'dialler' | 'listener';

function prove(identity: ServerIdentity, side: Side, what: Transcript, carrier: PeerInfo): Uint8Array {
  return identity.sign(`membership ${side}`, transcriptBytes(what, carrier));
}

function checkProof(
  { record, sealed }: ProvedRecord,
  side: Side,
  what: Transcript,
  carrier: PeerInfo,
  signature: Uint8Array,
): void {
  if (verify(sealed.publicKey, `membership ${side}`, transcriptBytes(what, carrier), signature)) return;
  throw new CircuitError(
    'denied',
    `${carrier.carrier} ${carrier.address}: peer does not hold the key of ${record.id}`,
    {
      detail: 'identity',
    },
  );
}

function transcriptBytes({ dialler, listener, dial, listen }: Transcript, carrier: PeerInfo): Uint8Array {
  return canonicalBytes({
    dialler: [dialler.id, dialler.boot],
    listener: [listener.id, listener.boot],
    nonces: [hex(dial), hex(listen)],
    binding: hex(carrier.exportKey?.('EXPORTER-circuit-membership', 32) ?? new Uint8Array(0)),
  });
}

function refusal(what: string, detail: string): CircuitError {
  return new CircuitError('conflict', what, { detail });
}

function isSelf(us: Introduction, peer: LinkPeer): boolean {
  return peer.id === us.record.id && peer.boot === us.record.boot;
}

async function expect<T extends MeshMessage['type']>(
  input: Receiver,
  type: T,
  signal: AbortSignal | undefined,
): Promise<Extract<MeshMessage, { type: T }>> {
  const received = await input.receive({ returns: false, signal });
  if (received.done) throw protocol(`channel ended before ${type}`);
  return typed(readMessage(received.value), type);
}

function typed<T extends MeshMessage['type']>(
  message: MeshMessage | string,
  type: T,
): Extract<MeshMessage, { type: T }> {
  if (typeof message === 'string') throw protocol(message);
  if (message.type !== type) throw protocol(`${message.type} where ${type} belongs`);
  return message as Extract<MeshMessage, { type: T }>;
}

function protocol(what: string): CircuitError {
  return new CircuitError('protocol', `membership: ${what}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
