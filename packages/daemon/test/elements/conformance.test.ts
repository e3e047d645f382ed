import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeepers, Rig } from '../support/rig.js';
import { elementConformance } from './conformance.js';

elementConformance({
  kind: 'chan',
  async open() {
    const rig = await Rig.open();
    return { rig, close: () => rig.close() };
  },
  make: (client, path) => client.call('mkchan', { path, capacity: 0 }),
  wait: (client, path) => client.ask('recv', { path }),
});

elementConformance({
  kind: 'proc',
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'cd-'));
    const keepers = await openKeepers(folder);
    const rig = await Rig.open({ keepers, folder });
    return {
      rig,
      async close() {
        await rig.close();
        await keepers.shutdown();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  make: (client, path) => client.call('mkproc', { path, cmd: { path: 'sleep', args: ['60'] } }),
  wait: (client, path) => client.ask('wait', { path }),
});
