import { orAborted, toCircuitError } from '@circuit/base';
import type { Authenticator } from '../session/authenticator.js';
import { KeyAuthentication } from './authentication.js';
import { readAuth } from './hello.js';
import { type AuthOptions, checkAuth } from './options.js';

/**
 * Authentication inside the session (docs/protocol.md, section 13), for carriers that cannot tell who is there: both sides prove
 * that they know a key before anything else is said. `{ identity, key }` is for who dials, `{ keyFor }` for who listens. One
 * value serves any number of sessions. What cannot work in its role makes dial, listen or the session's constructor fail
 * with `invalid`.
 */
export function keyAuth(options: AuthOptions): Authenticator {
  return {
    check: (role) => checkAuth(role, options),
    begin(host) {
      checkAuth(host.role, options);
      return new KeyAuthentication(options, host);
    },
    readHello: readAuth,
    async proved(session, signal) {
      try {
        await orAborted(session.ready, signal);
        return session;
      } catch (error) {
        session.abort(toCircuitError(error));
        throw error;
      }
    },
  };
}
