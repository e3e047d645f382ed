export { type Daemon, type DaemonOptions, daemonSocketName, startDaemon } from './daemon.js';
export type { DaemonLimits } from './limits.js';
export type { HostPort } from './own-address.js';
