export * from '../index.js';
export { connect, type ConnectOptions } from './connect.js';
export type { DialOptions } from './dial.js';
export { type Forward, type ForwardOptions, startForward } from './forward.js';
export type { KeyPlaces } from './find-key.js';
