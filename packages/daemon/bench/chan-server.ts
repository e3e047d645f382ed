import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@circuit/base';
import { listenUnix } from '@circuit/channel/unix';
import { defaultDaemonLimits } from '../src/limits.js';
import { LocalServer } from '../src/local-server.js';
import { callerOf } from '../src/session/caller.js';
import { HandMadeCluster, idA, noKeepers } from '../test/support/stand-ins.js';

const server = await LocalServer.open({
  cluster: new HandMadeCluster(idA),
  keepers: noKeepers,
  procFolder: await mkdtemp(join(tmpdir(), 'circuit-bench-')),
  numbers: { load: () => undefined, save: () => undefined },
  clock: systemClock,
  logger: silentLogger,
  limits: defaultDaemonLimits,
  takeMembership: () => false,
  suicide: () => undefined,
});
await listenUnix({ path: process.argv[2] ?? '' }, (session) =>
  server.sessions.serve(session, callerOf(session.peer, 'act')),
);
process.stdout.write('ready\n');
