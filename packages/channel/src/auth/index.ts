export type { Authenticator } from '../session/authenticator.js';
export { keyAuth } from './key-auth.js';
export type { AuthOptions, DialAuth, ListenAuth } from './options.js';
