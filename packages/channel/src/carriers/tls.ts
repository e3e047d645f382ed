import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import { dialSession } from '../resume/dial-session.js';
import type { Resume } from '../resume/options.js';
import { SessionDoor } from '../resume/session-door.js';
import type { SessionOptions } from '../session/session.js';
import type { PeerInfo, Session } from '../types.js';
import { connected } from './connect.js';
import { acceptSession, type Listener, type OnSession, startListener } from './listener.js';
import { SocketCarrier } from './socket-carrier.js';
import { hostPort, remote } from './tcp.js';

export type { Listener, OnSession } from './listener.js';

/** A secret that both sides know: TLS 1.3 external PSK (RFC 8446, 4.2.11) with an ephemeral X25519 exchange. */
export interface PreSharedKey {
  /** Travels in clear; tells the listener which key is meant. ≤ 128 bytes. */
  readonly identity: string;
  /** Exactly 32 bytes, derived from a long random secret. */
  readonly key: Uint8Array;
}

export interface DialTlsOptions extends WaitOptions {
  readonly host: string;
  readonly port: number;
  readonly psk: PreSharedKey;
  readonly session?: SessionOptions;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume;
}

export interface ListenTlsOptions {
  readonly host: string;
  readonly port: number;
  /** The 32 bytes for an identity; `undefined` refuses it. Synchronous. */
  readonly pskFor: (identity: string) => Uint8Array | undefined;
  /** How long a connection may take to prove the key; default 10,000. */
  readonly handshakeMs?: number;
  /** Called for connections that did not; for a log line. */
  readonly onRefused?: (address: string, reason: string) => void;
  readonly session?: SessionOptions;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume;
}

const keyBytes = 32;
/** OpenSSL cuts or refuses longer ones, depending on its version. */
const maxIdentityBytes = 128;
const suites = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';

/**
 * A session over TLS 1.3 with a pre-shared key: both sides have proved that they know it, nothing else is accepted.
 * Rejects with `denied` for a wrong key or identity, and for a listener that shows a certificate instead.
 */
export async function dialTls(options: DialTlsOptions): Promise<Session> {
  const { psk, session, resume, signal } = options;
  checkKey(psk.key);
  checkIdentity(psk.identity);
  return dialSession((wait) => connectTls(options, wait), { session, resume, signal });
}

async function connectTls({ host, port, psk }: DialTlsOptions, { signal }: WaitOptions): Promise<SocketCarrier> {
  const what = `dial tls ${hostPort(host, port)}`;
  const socket = connect({
    host,
    port,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: suites,
    // No authority is trusted: a server that answers with a certificate instead of the key must fail.
    ca: [],
    pskCallback: () => ({ identity: psk.identity, psk: psk.key }),
    checkServerIdentity: () => undefined,
  });
  socket.setNoDelay(true);
  try {
    await connected(socket, 'secureConnect', what, signal);
  } catch (error) {
    throw explain(error, what);
  }
  if (socket.getProtocol() !== 'TLSv1.3' || Object.keys(socket.getPeerCertificate()).length > 0) {
    socket.destroy();
    throw new CircuitError('denied', `${what}: the other side did not prove the key`);
  }
  return new SocketCarrier(socket, peerInfo(socket, hostPort(host, port), psk.identity));
}

/** Takes sessions on a TLS port from who knows a key; the session's `peer.identity` names it. */
export async function listenTls(options: ListenTlsOptions, onSession: OnSession): Promise<Listener> {
  const { host, port, session, resume, onRefused } = options;
  const door = new SessionDoor({ session, resume, onSession });
  const identities = new WeakMap<TLSSocket, string>();
  // What the owner's callback throws must not reach OpenSSL's: any stranger could end the process by naming that identity.
  const keyFor = (identity: string): Uint8Array | undefined => {
    try {
      const key = options.pskFor(identity);
      if (key !== undefined) checkKey(key);
      return key;
    } catch (error) {
      onRefused?.('', `identity ${identity}: ${toCircuitError(error).message}`);
      return undefined;
    }
  };
  const raws = new Map<string, Socket>();
  const server = createServer({
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: suites,
    // A ticket would let a client in again after its key was removed.
    secureOptions: constants.SSL_OP_NO_TICKET,
    handshakeTimeout: options.handshakeMs ?? 10_000,
    noDelay: true,
    allowHalfOpen: true,
    pskCallback(socket, identity) {
      const key = keyFor(identity);
      if (key !== undefined) identities.set(socket, identity);
      return key ?? null;
    },
  });
  // Node does not say which connection a TLS socket runs over; both know the peer's address.
  server.on('connection', (raw: Socket) => {
    const address = remote(raw);
    raws.set(address, raw);
    raw.once('close', () => raws.delete(address));
  });
  server.on('secureConnection', (socket) => {
    const identity = identities.get(socket);
    if (identity === undefined) {
      socket.destroy();
      return;
    }
    acceptSession(door, socket, raws.get(remote(socket)) ?? socket, peerInfo(socket, remote(socket), identity));
  });
  server.on('tlsClientError', (error, socket) => {
    socket.on('error', ignore);
    onRefused?.(remote(socket), (error as NodeJS.ErrnoException).code ?? error.message);
    socket.destroy();
  });
  return startListener(server, { host, port }, `listen tls ${hostPort(host, port)}`, door);
}

function peerInfo(socket: TLSSocket, address: string, identity: string): PeerInfo {
  return {
    carrier: 'tls',
    address,
    identity,
    exportKey: (label, length) => new Uint8Array(socket.exportKeyingMaterial(length, label, Buffer.alloc(0))),
  };
}

function checkKey(key: Uint8Array): void {
  if (key.length === keyBytes) return;
  throw new CircuitError('invalid', `pre-shared key of ${key.length} bytes, want exactly ${keyBytes}`);
}

function checkIdentity(identity: string): void {
  const bytes = Buffer.byteLength(identity);
  if (bytes >= 1 && bytes <= maxIdentityBytes) return;
  throw new CircuitError('invalid', `identity of a pre-shared key of ${bytes} bytes, want 1 to ${maxIdentityBytes}`);
}

/** What OpenSSL says when the keys differ, in our words. */
function explain(error: unknown, what: string): unknown {
  if (!(error instanceof CircuitError)) return error;
  if (
    error.code === 'peer-gone' ||
    error.detail === 'ECONNRESET' ||
    error.code === 'denied' ||
    isCertificateError(error.detail)
  ) {
    return new CircuitError('denied', `${what}: the other side does not accept this key, or does not speak TLS`, {
      cause: error,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
    });
  }
  return error;
}

/** Node names these after OpenSSL's X509_V_ERR constants. */
function isCertificateError(detail: string | undefined): boolean {
  return detail !== undefined && /CERT|SIGNATURE|ISSUER/.test(detail);
}

function ignore(): void {}
