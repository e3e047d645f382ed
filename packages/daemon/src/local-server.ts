import { CircuitError, type Clock, type Logger, Scope } from '@circuit/base';
import type { Session } from '@circuit/channel';
import { ConnectionBudget } from '@circuit/channel/gateway';
import type { KeeperSet } from '@circuit/keeper/client';
import type { Cluster } from './cluster.js';
import { Verbs } from './dispatch/verbs.js';
import { HeldBudget } from './elements/chan/held-budget.js';
import { chanMaker } from './elements/chan/make-chan.js';
import { ProcFolder } from './elements/proc/proc-folder.js';
import { Procs } from './elements/proc/procs.js';
import { watchLoad } from './elements/server/load-watch.js';
import { ServerElement } from './elements/server/server-element.js';
import type { DaemonLimits } from './limits.js';
import { Namespace } from './namespace/namespace.js';
import { type NumberStore, numbersFrom } from './namespace/numbers.js';
import { PeerProof } from './session/peer-proof.js';
import { Router, type RouterOptions } from './session/router.js';
import { Sessions } from './session/sessions.js';

export interface LocalServerOptions {
  readonly cluster: Cluster;
  readonly keepers: KeeperSet;
  /** Where the paths of processes are kept. */
  readonly procFolder: string;
  readonly numbers: NumberStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: DaemonLimits;
  readonly takeMembership: RouterOptions['takeMembership'];
  readonly suicide: () => void;
}

/** One server's namespace with all that serves it; knows sessions, not sockets. */
export class LocalServer {
  readonly namespace: Namespace;
  readonly sessions: Sessions;
  readonly #proof: PeerProof;
  readonly #scope: Scope;

  private constructor(namespace: Namespace, sessions: Sessions, proof: PeerProof, scope: Scope) {
    this.namespace = namespace;
    this.sessions = sessions;
    this.#proof = proof;
    this.#scope = scope;
  }

  /** Composes the parts and brings the processes of earlier starts back to their paths. */
  static async open(options: LocalServerOptions): Promise<LocalServer> {
    const { cluster, keepers, clock, logger, limits } = options;
    const scope = new Scope();
    const server = new ServerElement({
      cluster,
      clock,
      load: scope.use(watchLoad()),
      forwarded: new ConnectionBudget(limits.maxForwarded),
      suicide: options.suicide,
    });
    const namespace = new Namespace({
      serverId: cluster.self.id,
      server,
      nextNumber: numbersFrom(options.numbers),
      maxElements: limits.maxElements,
      maxRemembered: limits.maxRemembered,
    });
    const procs = scope.use(new Procs({ keepers, folder: new ProcFolder(options.procFolder, logger), clock, logger }));
    const budget = new HeldBudget(limits.maxChanHeldBytes);
    const mkchan = chanMaker({ clock, budget, maxWaiters: limits.maxChanWaiters });
    const serverIds = (): readonly string[] => cluster.members().map(({ id }) => id);
    const verbs = new Verbs(namespace, { mkproc: procs.make, mkchan }, serverIds);
    const proof = new PeerProof(clock, limits.proofMs);
    const { linkMs } = limits;
    const router = new Router({ cluster, proof, clock, logger, linkMs, takeMembership: options.takeMembership });
    const sessions = new Sessions({ verbs, router, clock, logger, limits });
    try {
      await procs.restore(namespace);
    } catch (error) {
      await scope.close();
      throw error;
    }
    return new LocalServer(namespace, sessions, proof, scope);
  }

  /** Goes on under another id: the paths of all elements change with it. */
  rename(serverId: string): void {
    this.namespace.rename(serverId);
  }

  /** `session` is known to be that of another server, which may speak for others. */
  prove(session: Session): void {
    this.#proof.prove(session);
  }

  /** Those who wait at elements hear that the server ends, then the sessions are closed. Processes are left alone. */
  async close(): Promise<void> {
    const reason = new CircuitError('aborted', 'the server is ending', { detail: 'server-ending' });
    for (const { element } of this.namespace.elements()) element.release(reason);
    await this.sessions.close();
    await this.#scope.close();
  }
}
