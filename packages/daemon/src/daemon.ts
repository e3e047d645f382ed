import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, deferred, type Logger, Scope, silentLogger, systemClock, toCircuitError } from '@circuit/base';
import { listenUnix } from '@circuit/channel/unix';
import { openKeeperSet } from '@circuit/keeper/client';
import type { Key, ServerIdentity } from '@circuit/keys';
import { type Membership, membershipTarget, MeshMembership } from '@circuit/membership';
import type { Member } from '@circuit/protocol';
import { MembershipCluster } from './cluster-of-membership.js';
import { type Gate, keyGate, openGate } from './gate.js';
import { KnownMembers } from './known-members.js';
import { type DaemonLimits, defaultDaemonLimits } from './limits.js';
import { LocalServer } from './local-server.js';
import { numberFile } from './number-file.js';
import { type HostPort, ownAddress } from './own-address.js';
import { callerOf } from './session/caller.js';

export interface DaemonOptions {
  /** Where to listen; port 0 takes a free one. */
  readonly addr: HostPort;
  /** The address to tell others when it is not the one listened on. */
  readonly advertise?: HostPort;
  /** What every connection must prove; `insecure` lets everybody in and encrypts nothing. */
  readonly security: { readonly key: Key } | 'insecure';
  /** The state folder; the caller holds its lock until the daemon is closed. */
  readonly stateFolder: string;
  /** A folder of mode 0700 for the sockets of daemon and keepers. */
  readonly socketFolder: string;
  readonly identity: ServerIdentity;
  /** The bundled keeper. */
  readonly keeperBundlePath: string;
  /** Servers whose cluster to merge with; tried again while they do not answer. */
  readonly join?: readonly string[];
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly dc?: string;
  readonly version?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly limits?: Partial<DaemonLimits>;
}

/** A running server. */
export interface Daemon {
  readonly id: string;
  /** `circuit://HOST:PORT/PID/Q…`, where others reach it. */
  readonly address: string;
  /** The Unix socket on which local clients need no key. */
  readonly socketPath: string;
  /** The living servers as this one sees them. */
  members(): readonly Member[];
  /** Resolves when the daemon has ended, by `close` or by `suicide`. */
  readonly closed: Promise<void>;
  /** Leaves the cluster and ends; processes go on unless `kill`. Idempotent: the first call decides. */
  close(options?: { readonly kill?: boolean }): Promise<void>;
}

/** The name of the daemon's socket in its folder. */
export const daemonSocketName = 'daemon.sock';

/**
 * Starts a server: resolves once it takes requests. Rejects with `conflict` for a port in use, `denied`, `invalid`, and
 * leaves nothing behind then. Joining goes on in the background.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { clock = systemClock, logger = silentLogger, stateFolder, socketFolder, security } = options;
  const limits = { ...defaultDaemonLimits, ...options.limits };
  const scope = new Scope();
  const ended = deferred();
  let kill = false;
  const close = ({ kill: killing = false }: { readonly kill?: boolean } = {}): Promise<void> => {
    kill ||= killing;
    const closing = scope.close();
    ended.resolve(closing);
    return closing;
  };
  try {
    // What is opened first is closed last. Processes outlive all of it: the keepers go at the very end, so that waiters
    // have been told by then, and a kill meets no server that could start another.
    const keepers = await openKeeperSet(stateFolder, {
      clock,
      logger,
      bundlePath: options.keeperBundlePath,
      socketFolder: join(socketFolder, 'keepers'),
    });
    scope.defer(() => (kill ? keepers.shutdown() : keepers.close()));

    const gate: Gate = security === 'insecure' ? openGate() : keyGate(security.key, logger);
    const pending: { server?: LocalServer; membership?: Membership; cluster?: MembershipCluster } = {};
    // The port must be known before the server can say who it is, and nobody is served before it can.
    const ready = deferred<LocalServer>();
    ready.promise.catch(ignore);
    const listener = await gate.listen(options.addr, (session, caller) => {
      ready.promise.then(
        (server) => server.sessions.serve(session, caller),
        () => session.abort(),
      );
    });
    scope.use(listener);
    const bound = 'port' in listener.address ? listener.address : options.addr;
    const address = ownAddress(bound, options.advertise, `Q${randomBytes(8).toString('hex')}`);

    const membership = new MeshMembership({
      identity: options.identity,
      self: {
        addr: address,
        name: options.name ?? '',
        version: options.version ?? '0.1.0',
        dc: options.dc ?? '',
        labels: options.labels ?? {},
      },
      dial: (to, dialling) => gate.dial(to, dialling),
      hooks: {
        onSession(session, memberId, dialled) {
          pending.server?.prove(session);
          pending.cluster?.linked(memberId, session);
          if (dialled) pending.server?.sessions.serve(session, callerOf(session.peer, 'act'), { dialled });
        },
      },
      clock,
      logger,
    });
    const cluster = new MembershipCluster(membership);
    const server = await LocalServer.open({
      cluster,
      keepers,
      procFolder: join(stateFolder, 'procs'),
      numbers: numberFile(join(stateFolder, 'numbers')),
      clock,
      logger,
      limits,
      takeMembership(accepted, session, caller) {
        if (accepted.target !== membershipTarget || caller.right !== 'act') return false;
        membership.accept(accepted, session);
        return true;
      },
      suicide: () =>
        void close().catch((error: unknown) => logger.error('the end was not clean', { error: String(error) })),
    });
    pending.server = server;
    pending.cluster = cluster;
    // Waiters hear that the server ends and sessions drain, while the listeners are closed already: nobody new comes in.
    scope.use(server);

    const socketPath = join(socketFolder, daemonSocketName);
    await rm(socketPath, { force: true });
    const local = await listenUnix({ path: socketPath }, (session) => {
      server.sessions.serve(session, callerOf(session.peer, 'act'));
    });
    scope.use(local);
    scope.defer(() => listener.close());

    // Leaving comes first of all: the others stop sending requests here before they would be refused.
    const known = new KnownMembers(join(stateFolder, 'members'), logger);
    const addresses = new Set([...(options.join ?? []), ...(await known.load())]);
    const unfollow = known.follow(membership);
    scope.defer(async () => {
      unfollow();
      await membership.leave();
      await known.settled();
    });
    ready.resolve(server);
    for (const addr of addresses) {
      membership.join(addr).catch((error: unknown) => {
        logger.warn('a cluster was not joined', { addr, error: toCircuitError(error).message });
      });
    }
    return {
      id: options.identity.id,
      address,
      socketPath,
      members: () => cluster.members(),
      closed: ended.promise,
      close,
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

function ignore(): void {}
