import { CircuitError, checkMs, checkSignal, type WaitOptions } from '@circuit/base';
import type { Resume } from '../../resume/options.js';
import { checkSessionOptions } from '../../session/check-options.js';
import type { SessionOptions } from '../../session/options.js';
import type { Role } from '../../session/table.js';
import type { PortSource, PortTarget } from '../message-port/message-port.js';
import type { DialCertificates, ListenCertificates } from '../tls/tls-certificates.js';
import type { PreSharedKey, PskFor } from '../tls/tls-psk.js';
import type { AdmissionOptions } from '../web/authenticate.js';
import type { ServerTls } from '../web/http-listener.js';
import type { ClientTls } from '../web/http-options.js';
import { type Address, shown } from './address.js';
import type { MemoryNetwork } from './memory-network.js';

/**
 * What `dial` takes besides the address. What one scheme alone needs stands in a group of its own, and is left alone by the
 * others: so one set of options serves a program whose address is configured.
 */
export interface DialOptions extends WaitOptions {
  readonly session?: SessionOptions | undefined;
  /** Channels survive a broken connection. Not for `memory:` and `worker:`, whose connections do not break alone. */
  readonly resume?: Resume | undefined;
  /** From the call to the session; `memory:` and `worker:` wait for nobody. Default 10,000. */
  readonly deadlineMs?: number | undefined;
  /** For `memory:`. */
  readonly memory?: MemoryNetwork | undefined;
  /** For `worker:`: the `Worker`, or inside one `parentPort`. */
  readonly worker?: PortTarget | undefined;
  /** For `tls:`. */
  readonly tls?: { readonly psk: PreSharedKey } | { readonly certificates: DialCertificates } | undefined;
  /** For `ws:`, `wss:`, `http:`, `https:`; `tls` for the two encrypted ones. */
  readonly http?:
    | { readonly headers?: Readonly<Record<string, string>> | undefined; readonly tls?: ClientTls | undefined }
    | undefined;
}

/** What `listen` takes besides the address; in groups as in {@link DialOptions}. */
export interface ListenOptions {
  readonly session?: SessionOptions | undefined;
  /** Offers diallers to keep their sessions over a broken connection. */
  readonly resume?: Resume | undefined;
  /** How long a connection may take to become a session; default 10,000. */
  readonly handshakeMs?: number | undefined;
  readonly memory?: MemoryNetwork | undefined;
  /** For `worker:`: inside a worker `parentPort` or `self`, outside the `Worker`. */
  readonly worker?: PortSource | undefined;
  /** For `tls:`; `onRefused` hears of connections that proved nothing. */
  readonly tls?:
    | (({ readonly pskFor: PskFor } | { readonly certificates: ListenCertificates }) & {
        readonly onRefused?: ((address: string, reason: string) => void) | undefined;
      })
    | undefined;
  /** For `ws:`, `wss:`, `http:`, `https:`; `origins` for the first two. */
  readonly http?:
    | (AdmissionOptions & {
        readonly tls?: ServerTls | undefined;
        readonly origins?: readonly string[] | 'any' | undefined;
      })
    | undefined;
}

const names: Readonly<Record<Role, readonly string[]>> = {
  dialler: ['signal', 'session', 'resume', 'deadlineMs', 'memory', 'worker', 'tls', 'http'],
  listener: ['session', 'resume', 'handshakeMs', 'memory', 'worker', 'tls', 'http'],
};

const groups = ['session', 'memory', 'worker', 'tls', 'http'] as const;

function isGroup(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** Throws `invalid` for options that nobody knows, that cannot work, or that make no sense for the address. */
export function checkOptions(role: Role, text: string, address: Address, given: DialOptions | ListenOptions): void {
  const what = `${role === 'dialler' ? 'dial' : 'listen'} ${shown(text)}`;
  const fail = (why: string): never => {
    throw new CircuitError('invalid', `${what}: ${why}`);
  };
  if (!isGroup(given)) fail(`options of type ${typeName(given)}, want an object`);
  const options = given as DialOptions & ListenOptions;
  for (const name of Object.keys(options)) {
    if (!names[role].includes(name)) fail(`unknown option ${name}, known are ${names[role].join(', ')}`);
  }
  for (const name of groups) {
    const group = options[name];
    if (group !== undefined && !isGroup(group))
      fail(`the option ${name} is of type ${typeName(group)}, want an object`);
  }
  checkSignal(what, options.signal);
  checkSessionOptions(options.session, role);
  checkMs('deadlineMs', options.deadlineMs);
  checkMs('handshakeMs', options.handshakeMs);
  const { scheme } = address;
  const inProcess = scheme === 'memory' || scheme === 'worker';
  const resumes = options.resume !== undefined && options.resume !== false;
  if (inProcess && resumes) fail('resume makes no sense where connections do not break alone');
  if (inProcess && options[scheme] === undefined) fail(`the option ${scheme} is missing`);
  if (scheme === 'memory' && typeof options.memory?.dial !== 'function') fail('the option memory is no MemoryNetwork');
  if (scheme === 'tls' && options.tls === undefined) fail('the option tls is missing: a key or certificates');
  if ('port' in address && address.port === 0 && role === 'dialler') fail('port 0 is for listeners');
  const encrypted = scheme === 'wss' || scheme === 'https';
  if ((scheme === 'ws' || scheme === 'http') && options.http?.tls !== undefined) {
    fail(`http.tls makes no sense without encryption; use ${scheme === 'ws' ? 'wss' : 'https'}:`);
  }
  if (encrypted && role === 'listener' && options.http?.tls === undefined) fail('the option http.tls is missing');
  const origins = options.http?.origins;
  if ((scheme === 'http' || scheme === 'https') && origins !== undefined) fail('http.origins is for ws: and wss:');
}
