import { randomBytes } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CircuitError,
  type Clock,
  deferred,
  type Logger,
  Scope,
  silentLogger,
  systemClock,
  toCircuitError,
} from '@circuit/base';
import type { Session } from '@circuit/channel';
import { listenUnix } from '@circuit/channel/unix';
import { type KeeperSet, openKeeperSet } from '@circuit/keeper/client';
import { loadIdentity, renewIdentity, type ServerIdentity } from '@circuit/keys';
import { type Membership, type MembershipHooks, membershipTarget, MeshMembership } from '@circuit/membership';
import { MembershipCluster } from './cluster-of-membership.js';
import type { Daemon, DaemonOptions, Keep } from './daemon-options.js';
import { type Gate, keyGate, openGate, serverSession } from './gate.js';
import { keeperSocketFolder } from './keeper-sockets.js';
import { KnownMembers } from './known-members.js';
import { defaultDaemonLimits } from './limits.js';
import { LocalServer } from './local-server.js';
import { numberFile } from './number-file.js';
import { ownAddress } from './own-address.js';
import { Refusals } from './refusals.js';
import { type Caller, callerOf } from './session/caller.js';
import { ownSurroundings } from './state/places.js';
import { StateFolder } from './state/state-folder.js';

/** What all steps of a start share. */
interface Start {
  readonly options: DaemonOptions;
  readonly state: StateFolder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts a server: resolves once it takes requests. Rejects with `conflict` for a port or a state folder in use, `denied`,
 * `invalid`, and leaves nothing behind then. Joining goes on in the background.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { clock = systemClock, logger = silentLogger } = options;
  const scope = new Scope();
  const ended = deferred();
  let killing = false;
  const close: Daemon['close'] = ({ kill = false } = {}) => {
    killing ||= kill;
    const closing = scope.close();
    ended.resolve(closing);
    return closing;
  };
  const suicide = (): void => {
    close().catch((error: unknown) => logger.error('the end was not clean', { error: String(error) }));
  };
  try {
    // What is opened first is closed last. The folder's lock comes back at the very end: until then another daemon on it
    // would meet our keepers and our files.
    const { stateFolder: folder, surroundings } = options;
    const state = scope.use(
      await StateFolder.open({ folder, ...(surroundings === undefined ? {} : { surroundings }) }),
    );
    const start: Start = { options, state, clock, logger };
    let identity = await ownIdentity(start);

    // Processes outlive everything else. Their keepers are let go when nobody can ask for them any more, and a kill meets no
    // server that could start another.
    const keepers = await openKeepers(start);
    scope.defer(() => (killing ? keepers.shutdown() : keepers.close()));

    // The port is taken before anything can be said about it; whoever is early waits for the server.
    const serving = deferred<LocalServer>();
    serving.promise.catch(ignore);
    const { security } = options;
    const refusals = new Refusals(clock, logger);
    scope.defer(() => refusals.close());
    const gate: Gate = security === 'insecure' ? openGate() : keyGate(security.key, refusals);
    const admit = (session: Session, caller: Caller): void => {
      serving.promise.then(
        (server) => server.sessions.serve(session, caller),
        () => session.abort(),
      );
    };
    const listener = scope.use(await gate.listen(options.addr, admit));
    const address = ownAddress(listener.address, options.advertise, `Q${randomBytes(8).toString('hex')}`);

    const membership = openMembership(start, identity, gate, address, {
      onSession(session, memberId, dialled) {
        cluster.linked(memberId, session);
        void serving.promise.then((server) => {
          server.prove(session);
          if (dialled) server.sessions.serve(session, callerOf(session.peer, 'act'), { dialled });
        }, ignore);
      },
      async onTwin({ id: former, addr: twin }) {
        const renewed = await renewIdentity(state.path, `${former} runs at ${twin}`);
        const server = await serving.promise;
        identity = renewed.identity;
        server.rename(identity.id);
        const text =
          'another server had this identity first; this one goes on under a new one, and so do the paths of its elements';
        logger.warn(text, { former, now: identity.id, twin });
        return identity;
      },
    });
    const cluster = new MembershipCluster(membership);
    scope.use(membership);

    const server = await LocalServer.open({
      cluster,
      keepers,
      procFolder: join(state.path, 'procs'),
      numbers: numberFile(join(state.path, 'numbers')),
      clock,
      logger,
      limits: { ...defaultDaemonLimits, ...options.limits },
      takeMembership(accepted, session, caller) {
        // Who may only look is no server, and a socket file leads to no other machine.
        if (accepted.target !== membershipTarget || caller.right !== 'act') return false;
        membership.accept(accepted, session);
        return true;
      },
      suicide,
    });
    // Those who wait are told and sessions drain when the listeners, opened later, are closed: nobody new comes in.
    scope.use(server);
    const admitLocal = (session: Session): void => admit(session, callerOf(session.peer, 'act'));
    scope.use(await listenUnix({ path: state.socketPath, descriptors: false, session: serverSession }, admitLocal));
    scope.defer(() => listener.close());

    // Leaving comes first of all: the others stop sending requests before they would be refused.
    const known = new KnownMembers(state, logger);
    const former = await state.readMembers();
    const unfollow = known.follow(membership);
    scope.defer(async () => {
      unfollow();
      await membership.leave();
      await known.settled();
    });
    serving.resolve(server);
    const asked = new Set(options.join);
    for (const addr of new Set([...asked, ...former.map((member) => member.addr)]))
      joinInBackground(membership, addr, logger, asked.has(addr));
    const { socketPath, path: stateFolder } = state;
    const members: Daemon['members'] = () => cluster.members();
    return {
      get id() {
        return identity.id;
      },
      address,
      socketPath,
      stateFolder,
      members,
      closed: ended.promise,
      close,
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

/** Joins for as long as it takes. That a former member is gone is no news; one that somebody named should be there. */
function joinInBackground(membership: Membership, addr: string, logger: Logger, asked: boolean): void {
  const onRetry = ({ message }: CircuitError): void => {
    const text = 'nobody answers at an address to join yet, it is tried again until somebody does';
    if (asked) logger.warn(text, { addr, error: message });
    else logger.info(text, { addr, error: message });
  };
  membership.join(addr, { onRetry }).catch((error: unknown) => {
    const { code, message } = toCircuitError(error);
    // Our own end says nothing about that cluster.
    if (code !== 'closed') logger.warn('a cluster was not joined', { addr, error: message });
  });
}

async function ownIdentity({ state, logger }: Start): Promise<ServerIdentity> {
  const { identity, reason, warning } = await loadIdentity(state.path);
  if (reason !== undefined) logger.info('this server has a new identity', { id: identity.id, reason });
  if (warning !== undefined) logger.warn('others may know the identity of this server', { warning });
  return identity;
}

async function openKeepers({ options, state, clock, logger }: Start): Promise<KeeperSet> {
  const socketFolder = await keeperSocketFolder(state.path, options.surroundings ?? ownSurroundings());
  return openKeeperSet(state.path, {
    clock,
    logger,
    bundlePath: options.keeperBundlePath,
    ...(options.keep === undefined ? {} : { keepTotalBytes: await keptBytes(options.keep, state.path) }),
    ...(socketFolder === undefined ? {} : { socketFolder }),
  });
}

async function keptBytes(keep: Keep, folder: string): Promise<number> {
  if ('bytes' in keep) return keep.bytes;
  const { blocks, bsize } = await statfs(folder);
  return Math.floor(blocks * bsize * keep.share);
}

function openMembership(
  { options, clock, logger }: Start,
  identity: ServerIdentity,
  gate: Gate,
  addr: string,
  hooks: MembershipHooks,
): MeshMembership {
  const { name = '', version = '0.1.0', dc = '', labels = {} } = options;
  return new MeshMembership({
    identity,
    self: { addr, name, version, dc, labels },
    dial: (to, dialling) => gate.dial(to, dialling),
    hooks,
    clock,
    logger,
  });
}

function ignore(): void {}
