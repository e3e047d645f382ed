export type { Scheme } from './address.js';
export { dial } from './dial.js';
export { listen, type UrlListener } from './listen.js';
export { MemoryNetwork } from './memory-network.js';
export type { DialOptions, ListenOptions } from './options.js';
