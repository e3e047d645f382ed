export type { Cluster } from './cluster.js';
export { LocalServer, type LocalServerOptions } from './local-server.js';
