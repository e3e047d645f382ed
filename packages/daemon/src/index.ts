export { startDaemon } from './daemon.js';
export type { Daemon, DaemonOptions } from './daemon-options.js';
export type { DaemonLimits } from './limits.js';
export type { HostPort } from './own-address.js';
export { findLocalSockets, type LocalSocket, socketOf } from './state/local-sockets.js';
export type { Surroundings } from './state/places.js';
