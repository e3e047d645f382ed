import { CircuitError } from '@circuit/base';
import type { Session } from '@circuit/channel';
import type { KeeperSet } from '@circuit/keeper/client';
import type { Member } from '@circuit/protocol';
import type { Cluster } from '../../src/cluster.js';

export const idA = 'Xaaaaaaaaaaaaaaaa';
export const idB = 'Xbbbbbbbbbbbbbbbb';

/** A cluster whose members and links a test sets by hand. */
export class HandMadeCluster implements Cluster {
  readonly self: Member;
  readonly others = new Map<string, { member: Member; session: Session }>();

  constructor(id: string) {
    this.self = memberOf(id);
  }

  members(): readonly Member[] {
    return [this.self, ...[...this.others.values()].map(({ member }) => member)];
  }

  sessionTo(id: string): Promise<Session> {
    const session = this.others.get(id)?.session;
    return session === undefined
      ? Promise.reject(new CircuitError('not-found', `no server ${id}`))
      : Promise.resolve(session);
  }

  rejoin(): Promise<{ changed: boolean; members: number }> {
    return Promise.resolve({ changed: false, members: this.others.size + 1 });
  }
}

export function memberOf(id: string): Member {
  return {
    id,
    addr: 'circuit://127.0.0.1:4600',
    name: 'host',
    version: '0.1.0',
    dc: '',
    labels: {},
    joined: '2026-01-01T00:00:00.000Z',
  };
}

/** No processes can be started here. */
export const noKeepers: KeeperSet = {
  start: () => Promise.reject(new CircuitError('unsupported', 'no keeper in this test')),
  list: () => [],
  get: () => undefined,
  spec: () => Promise.reject(new CircuitError('not-found', 'none')),
  wait: () => Promise.reject(new CircuitError('not-found', 'none')),
  signal: () => Promise.reject(new CircuitError('not-found', 'none')),
  openStdin: () => Promise.reject(new CircuitError('not-found', 'none')),
  closeStdin: () => Promise.reject(new CircuitError('not-found', 'none')),
  openOutput: () => {
    throw new CircuitError('not-found', 'none');
  },
  watch: () => () => undefined,
  forget: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
