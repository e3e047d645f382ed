import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, silentLogger, systemClock } from '@circuit/base';
import { ChannelSession, memoryPair, type Session, type SessionOptions } from '@circuit/channel';
import { type KeeperSet, type KeeperSetOptions, openKeeperSet } from '@circuit/keeper/client';
import type { Right } from '@circuit/protocol';
import { afterAll } from 'vitest';
import { bundleKeeper } from '../../../keeper/bundle.mjs';
import { type DaemonLimits, defaultDaemonLimits } from '../../src/limits.js';
import { serverSession } from '../../src/gate.js';
import { LocalServer } from '../../src/local-server.js';
import type { NumberStore } from '../../src/namespace/numbers.js';
import { callerOf } from '../../src/session/caller.js';
import { TestClient } from './request.js';
import { HandMadeCluster, idA, noKeepers } from './stand-ins.js';

export { idA, idB } from './stand-ins.js';

export interface RigOptions {
  readonly id?: string;
  readonly keepers?: KeeperSet;
  readonly folder?: string;
  readonly limits?: Partial<DaemonLimits>;
  readonly clock?: Clock;
  readonly numbers?: NumberStore;
}

/** One server over memory sessions. */
export class Rig {
  readonly server: LocalServer;
  readonly cluster: HandMadeCluster;
  readonly #dialled: Session[] = [];
  suicides = 0;

  private constructor(server: LocalServer, cluster: HandMadeCluster) {
    this.server = server;
    this.cluster = cluster;
  }

  static async open({
    id = idA,
    keepers = noKeepers,
    limits,
    clock = systemClock,
    ...rest
  }: RigOptions = {}): Promise<Rig> {
    const cluster = new HandMadeCluster(id);
    const folder = rest.folder ?? (await mkdtemp(join(tmpdir(), 'circuit-daemon-')));
    let kept: number | undefined;
    let suicides = (): void => undefined;
    const server = await LocalServer.open({
      cluster,
      keepers,
      procFolder: join(folder, 'procs'),
      numbers: rest.numbers ?? { load: () => kept, save: (end) => (kept = end) },
      clock,
      logger: silentLogger,
      limits: { ...defaultDaemonLimits, ...limits },
      takeMembership: () => false,
      suicide: () => suicides(),
    });
    if (rest.folder === undefined) await rm(folder, { recursive: true });
    const rig = new Rig(server, cluster);
    suicides = () => rig.suicides++;
    return rig;
  }

  /** A raw session to this server. */
  dial(right: Right = 'act'): Session {
    return this.#pair(right, () => undefined);
  }

  /** A client with its own session. */
  client(right: Right = 'act', target = ''): TestClient {
    return new TestClient(this.dial(right), target);
  }

  /** Makes `other` a server of this one's cluster, with a link that it takes for a server's. */
  link(other: Rig, right: Right = 'act'): Session {
    const session = other.#pair(right, (theirs) => other.server.prove(theirs), serverSession);
    this.cluster.others.set(other.cluster.self.id, { member: other.cluster.self, session });
    this.#dialled.push(session);
    return session;
  }

  async close(): Promise<void> {
    await this.server.close();
    for (const session of this.#dialled) session.abort();
  }

  #pair(right: Right, prepare: (theirs: Session) => void, options: SessionOptions = {}): Session {
    const [near, far] = memoryPair();
    const theirs = new ChannelSession(far, 'listener', serverSession);
    prepare(theirs);
    this.server.sessions.serve(theirs, callerOf(theirs.peer, right, 'key'));
    const ours = new ChannelSession(near, 'dialler', options);
    this.#dialled.push(ours);
    return ours;
  }
}

/** Real processes below `folder`. */
export async function openKeepers(folder: string, more: Partial<KeeperSetOptions> = {}): Promise<KeeperSet> {
  return openKeeperSet(folder, {
    clock: systemClock,
    logger: silentLogger,
    bundlePath: await keeperBundle(),
    idleMs: 200,
    ...more,
  });
}

let bundle: Promise<string> | undefined;
let bundleFolder: string | undefined;

afterAll(async () => {
  if (bundleFolder !== undefined) await rm(bundleFolder, { recursive: true, force: true });
});

/** The bundled keeper, built once for each test file and removed after it. */
export function keeperBundle(): Promise<string> {
  bundle ??= makeBundle();
  return bundle;
}

async function makeBundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'circuit-bundle-'));
  bundleFolder = folder;
  return bundleKeeper(join(folder, 'keeper.mjs'));
}
