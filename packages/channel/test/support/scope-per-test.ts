import { Scope } from '@circuit/base';
import { afterEach, beforeEach } from 'vitest';
import { checkNothingOpen } from './nothing-open.js';

/** Called where a test file begins: what its tests hand over is released as each ends, newest first, and then no socket may be open. */
export function scopePerTest(): Pick<Scope, 'defer' | 'use' | 'close'> {
  let scope = new Scope();
  checkNothingOpen();
  beforeEach(() => {
    scope = new Scope();
  });
  afterEach(() => scope.close());
  return {
    defer: (release) => scope.defer(release),
    use: (resource) => scope.use(resource),
    close: () => scope.close(),
  };
}
