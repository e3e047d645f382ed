export { KeeperServer, type KeeperServerOptions } from './keeper/keeper-server.js';
export { type KeeperFiles, keeperFiles } from './folder/process-files.js';
