import { CircuitError } from '@circuit/base';
import { checkSessionOptions } from '../../session/check-options.js';
import type { SessionOptions } from '../../session/options.js';
import { ChannelSession } from '../../session/session.js';
import type { Role } from '../../session/table.js';
import { Deliveries } from '../../session/when-proved.js';
import type { Session } from '../../types.js';
import { MessagePortCarrier, type Port } from './message-port-carrier.js';

export type { Port } from './message-port-carrier.js';

/** How a session over a port is set up. */
export interface PortOptions {
  /** What stands in messages and in `peer.address`; default `port`. */
  readonly name?: string | undefined;
  readonly session?: SessionOptions | undefined;
}

/**
 * What ports can be posted to: a `Worker`, and inside one `self` (browsers) or `parentPort` (Node); a window's port, a port.
 * A session uses a port of its own: other messages come and go beside it.
 */
export interface PortTarget {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  addEventListener?(type: string, listener: (event: object) => void): void;
  removeEventListener?(type: string, listener: (event: object) => void): void;
  on?(type: string, listener: (data: unknown) => void): unknown;
  off?(type: string, listener: (data: unknown) => void): unknown;
  start?(): void;
  /** Of Node's `Worker`; −1 when its thread has ended, and then what is posted is dropped. */
  readonly threadId?: number;
}

/** Where the messages of a {@link PortTarget} come in; `self` of a worker also where it has the type of a window. */
export type PortSource = Omit<PortTarget, 'postMessage'>;

/** Takes the sessions that are dialled from the other side of a worker. */
export interface PortListener {
  /** Takes no more sessions; those that came in go on. Idempotent. */
  close(): Promise<void>;
}

/**
 * A session over a port whose other end is a session's too; one side is the `dialler`, the other the `listener`. Takes the
 * port over. A far side that ends the session or closes its end of it is noticed at once; one whose thread ends without a
 * word (terminated, crashed) at once in Node and by keep-alive in browsers, whose ports tell nobody. Throws `invalid` for what is no
 * port and options that cannot work.
 */
export function portSession(port: Port, role: Role, { name = 'port', session }: PortOptions = {}): Session {
  checkMethods(`message-port ${name}: the port`, port, [
    'postMessage',
    'addEventListener',
    'removeEventListener',
    'close',
  ]);
  checkSessionOptions(session, role);
  const peer = { carrier: 'message-port', address: name, local: true };
  return new ChannelSession(new MessagePortCarrier(port, peer), role, session);
}

/**
 * A session with whoever listens with {@link listenWorker} at the other side of `worker`; any number may be dialled. Waits
 * for nothing: what is sent before the far side listens is kept for it. A thread that has ended is `unreachable`. Throws `invalid` for options that cannot work. In browsers a worker that fails before it has answered
 * ends the session with `unreachable`, and a later exception does not end it, as it does not end the worker.
 */
export function dialWorker(worker: PortTarget, { name = 'worker', session: options }: PortOptions = {}): Session {
  checkMethods(`dial message-port ${name}: the worker`, worker, ['postMessage']);
  checkSessionOptions(options, 'dialler');
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ circuit: 'session', port: port2 }, [port2]);
  const session = portSession(port1, 'dialler', { name, ...(options === undefined ? {} : { session: options }) });
  if (worker.threadId === -1)
    session.abort(new CircuitError('unreachable', `dial message-port ${name}: its thread has ended`));
  if (worker.addEventListener === undefined) return session;
  const failed = (event: object): void => {
    if (session.stats.bytesIn > 0) return;
    const { message = 'cannot be loaded' } = event as { readonly message?: string };
    session.abort(new CircuitError('unreachable', `dial message-port ${name}: ${message}`));
  };
  worker.addEventListener('error', failed);
  void session.closed.then(() => worker.removeEventListener?.('error', failed));
  return session;
}

/**
 * Takes the sessions that come through `scope`: in a worker `parentPort` or `self`, outside the `Worker`, if the worker is
 * to dial. Throws `invalid` for options that cannot work. To be called before the first `await` of a browser's worker, which loses messages that nobody listens for.
 */
export function listenWorker(
  scope: PortSource,
  onSession: (session: Session) => void,
  options: PortOptions = {},
): PortListener {
  checkSessionOptions(options.session, 'listener');
  const { addEventListener } = Object(scope) as Partial<PortTarget>;
  checkMethods('listen message-port: the scope', scope, [addEventListener === undefined ? 'on' : 'addEventListener']);
  const deliveries = new Deliveries(options.session, onSession);
  const take = (data: unknown): void => {
    const port = sessionPort(data);
    if (port !== undefined)
      deliveries.add(portSession(port, 'listener', { ...options, name: options.name ?? 'worker' }));
  };
  const takeEvent = (event: object): void => take((event as { readonly data: unknown }).data);
  // Node's Worker is an emitter and no event target.
  if (scope.addEventListener === undefined) scope.on?.('message', take);
  else scope.addEventListener('message', takeEvent);
  scope.start?.();
  return {
    close() {
      if (scope.removeEventListener === undefined) scope.off?.('message', take);
      else scope.removeEventListener('message', takeEvent);
      deliveries.close();
      return Promise.resolve();
    },
  };
}

/** The port in a message of {@link dialWorker}; anything else is the affair of others. */
function sessionPort(data: unknown): Port | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { circuit, port } = data as { readonly circuit?: unknown; readonly port?: unknown };
  return circuit === 'session' && port instanceof MessagePort ? port : undefined;
}

/** Throws `invalid` where one of these methods is missing. */
function checkMethods(what: string, value: unknown, names: readonly string[]): void {
  const methods = Object(value) as Readonly<Record<string, unknown>>;
  const missing = names.find((name) => typeof methods[name] !== 'function');
  if (missing === undefined) return;
  const type = value === null ? 'null' : typeof value;
  throw new CircuitError('invalid', `${what} is of type ${type} and has no method ${missing}`);
}
