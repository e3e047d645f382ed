import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { CircuitError, checkMs, orAborted, type WaitOptions } from '@circuit/base';
import { dialSession } from '../../resume/dial-session.js';
import type { Resume } from '../../resume/options.js';
import { SessionDoor } from '../../resume/session-door.js';
import type { SessionOptions } from '../../session/options.js';
import { ChannelSession } from '../../session/session.js';
import type { PeerInfo, Session } from '../../types.js';
import { withinDeadline } from '../dial-deadline.js';
import { handshakeTimeout } from '../handshake-timeout.js';
import type { OnRefused } from '../on-refused.js';
import { hostPort, isLoopback, remote } from '../socket/addresses.js';
import { connected } from '../socket/connect.js';
import { type Listener, type OnSession, type PortAddress, startListener } from '../socket/listener.js';
import { checkPlace } from '../socket/place.js';
import { ReadMemory } from '../socket/read-memory.js';
import { SocketCarrier } from '../socket/socket-carrier.js';
import { WaitingConnections } from '../socket/waiting-connections.js';
import { tellOwner } from '../tell-owner.js';
import {
  acceptByCertificate,
  type DialCertificates,
  dialByCertificate,
  type ListenCertificates,
} from './tls-certificates.js';
import type { Proved, TlsProof } from './tls-proof.js';
import { acceptByPsk, dialByPsk, type PreSharedKey, type PskFor } from './tls-psk.js';

export type { OnRefused } from '../on-refused.js';
export type { Listener, OnSession, PortAddress } from '../socket/listener.js';
export type { DialCertificates, ListenCertificates, Pem } from './tls-certificates.js';
export type { PreSharedKey, PskFor } from './tls-psk.js';

interface DialTlsBase extends WaitOptions {
  readonly host: string;
  readonly port: number;
  /** From the call to the proved session; default 10,000. */
  readonly deadlineMs?: number | undefined;
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume | undefined;
}

/** Either a key that both sides know, or certificates. */
export type DialTlsOptions = DialTlsBase &
  (
    | { readonly psk: PreSharedKey; readonly certificates?: undefined }
    | { readonly certificates: DialCertificates; readonly psk?: undefined }
  );

interface ListenTlsBase {
  readonly host: string;
  readonly port: number;
  /** How long a connection may take to prove who it is; default 10,000. */
  readonly handshakeMs?: number | undefined;
  /** Called for connections that did not; for a log line. What it throws is dropped. */
  readonly onRefused?: OnRefused | undefined;
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection. A dialler asks for it, a listener offers it. */
  readonly resume?: Resume | undefined;
}

/** Either keys that both sides know, or certificates; a listener that had both would let in who knows no key. */
export type ListenTlsOptions = ListenTlsBase &
  (
    | { readonly pskFor: PskFor; readonly certificates?: undefined }
    | { readonly certificates: ListenCertificates; readonly pskFor?: undefined }
  );

const version = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/**
 * A session over TLS 1.3. With a pre-shared key both sides have proved that they know it; with certificates the listener's
 * is verified, and it has accepted ours: `peer.identity` and `peer.certificate` say who it is. Rejects with `denied` for a
 * wrong key or identity, and for a certificate of another name or authority, expired, or missing where the listener asks for one.
 */
export async function dialTls(options: DialTlsOptions): Promise<Session> {
  const { host, port, psk, certificates } = options;
  const what = `dial tls ${hostPort(host, port)}`;
  checkPlace(what, { host, port });
  if ((psk === undefined) === (certificates === undefined)) {
    throw new CircuitError('invalid', `${what}: want either psk or certificates`);
  }
  const proof = psk === undefined ? dialByCertificate(certificates) : dialByPsk(psk);
  return withinDeadline(options, what, async (signal) => {
    const dialled = { session: options.session, resume: options.resume, signal };
    const session = await dialSession((wait) => connectTls(options, proof, what, wait), dialled);
    if (certificates === undefined) return session;
    // TLS 1.3 lets the dialler be done before the listener has looked at its certificate: only what it says first shows that.
    try {
      await orAborted(session.ready, signal);
      // A refusal stands in the same write as the HELLO that it has to come behind.
      if (session.refusal !== undefined) throw session.refusal;
    } catch (error) {
      session.abort();
      throw explained(error, proof, what);
    }
    return session;
  });
}

async function connectTls(
  { host, port }: DialTlsOptions,
  proof: TlsProof<ConnectionOptions>,
  what: string,
  { signal }: WaitOptions,
): Promise<SocketCarrier> {
  const memory = new ReadMemory();
  const socket = connect({ ...version, ...proof.settings, host, port, ...memory.options });
  socket.setNoDelay(true);
  try {
    await connected(socket, 'secureConnect', what, signal);
  } catch (error) {
    throw explained(error, proof, what);
  }
  const proved = proof.check(socket);
  if (typeof proved === 'string') {
    socket.destroy();
    throw new CircuitError('denied', `${what}: ${proved}`);
  }
  return new SocketCarrier(socket, peerInfo(socket, hostPort(host, port), proved), { memory });
}

/** Takes sessions on a TLS port from who has proved a key, or a certificate if one is asked for; `peer` says who it is. */
export async function listenTls(options: ListenTlsOptions, onSession: OnSession): Promise<Listener<PortAddress>> {
  const { host, port, session, resume, onRefused, pskFor, certificates } = options;
  const what = `listen tls ${hostPort(host, port)}`;
  if ((pskFor === undefined) === (certificates === undefined)) {
    throw new CircuitError('invalid', `${what}: want either pskFor or certificates`);
  }
  checkMs(`${what}: handshakeMs`, options.handshakeMs);
  const proof: TlsProof<TlsOptions> =
    pskFor === undefined
      ? acceptByCertificate(certificates)
      : acceptByPsk(pskFor, (reason) => tellOwner(onRefused, '', reason));
  const door = new SessionDoor({ session, resume, onSession });
  const waiting = new WaitingConnections();
  const server = createServer({
    ...version,
    ...proof.settings,
    handshakeTimeout: handshakeTimeout(options.handshakeMs),
    noDelay: true,
  });
  server.on('connection', (raw: Socket) => waiting.add(raw));
  server.on('secureConnection', (socket) => {
    // Not before: who hangs up in the handshake is gone.
    socket.allowHalfOpen = true;
    const address = remote(socket);
    const proved = proof.check(socket);
    const peer = peerInfo(socket, address, typeof proved === 'string' ? {} : proved);
    if (typeof proved !== 'string') {
      door.accept(new SocketCarrier(socket, peer), waiting.begin(socket));
      return;
    }
    tellOwner(onRefused, address, proved);
    // Said as a session would: TLS is agreed already and has no words left.
    const { clock, graceMs } = session ?? {};
    const own = { keepAliveMs: 0, ...(clock && { clock }), ...(graceMs !== undefined && { graceMs }) };
    new ChannelSession(new SocketCarrier(socket, peer), 'listener', own).refuse(new CircuitError('denied', proved));
  });
  server.on('tlsClientError', (error, socket) => {
    socket.on('error', ignore);
    tellOwner(onRefused, remote(socket), (error as NodeJS.ErrnoException).code ?? error.message);
    socket.destroy();
  });
  return startListener(server, { host, port }, what, waiting, door);
}

function peerInfo(socket: TLSSocket, address: string, proved: Proved): PeerInfo {
  return {
    carrier: 'tls',
    address,
    ...proved,
    encrypted: true,
    local: isLoopback(socket),
    exportKey: (label, length) => new Uint8Array(socket.exportKeyingMaterial(length, label, Buffer.alloc(0))),
  };
}

/** What OpenSSL, Node or the listener says when who is there was not proved, in our words. */
function explained(error: unknown, proof: TlsProof<ConnectionOptions>, what: string): unknown {
  if (!(error instanceof CircuitError) || error.code === 'cancelled' || error.code === 'timeout') return error;
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  const detail = error.detail ?? cause?.code ?? '';
  const byCertificate = /CERT|SIGNATURE|ISSUER|PURPOSE|^ERR_(SSL|TLS)/.test(detail);
  if (error.code === 'denied' && !byCertificate)
    return new CircuitError('denied', `${what}: ${error.message}`, { cause: error });
  if (!byCertificate && error.code !== 'peer-gone' && detail !== 'ECONNRESET') return error;
  return new CircuitError('denied', `${what}: ${proof.explain(detail)}`, {
    cause: error,
    ...(detail === '' ? {} : { detail }),
  });
}

function ignore(): void {}
