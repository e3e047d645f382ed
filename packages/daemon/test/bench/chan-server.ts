import { dirname, join } from 'node:path';
import { silentLogger, systemClock } from '@circuit/base';
import { listenUnix } from '@circuit/channel/unix';
import { defaultDaemonLimits } from '../../src/limits.js';
import { LocalServer } from '../../src/local-server.js';
import { callerOf } from '../../src/session/caller.js';
import { HandMadeCluster, idA, noKeepers } from '../support/stand-ins.js';

const socketPath = process.argv[2] ?? '';
const server = await LocalServer.open({
  cluster: new HandMadeCluster(idA),
  keepers: noKeepers,
  procFolder: join(dirname(socketPath), 'procs'),
  numbers: { load: () => undefined, save: () => undefined },
  clock: systemClock,
  logger: silentLogger,
  limits: defaultDaemonLimits,
  takeMembership: () => false,
  suicide: () => undefined,
});
await listenUnix({ path: socketPath }, (session) => server.sessions.serve(session, callerOf(session.peer, 'act')));
process.stdout.write('ready\n');
