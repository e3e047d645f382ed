import { formatKey, generateKey, readKeyFile } from '@circuit/keys';
import { usageError } from '../usage.js';
import type { Verb } from '../verb.js';

/** Makes keys. */
export const keygen: Verb = {
  usage: '',
  help: `
Prints a new random key; keep it in a file that only you can read:  (umask 077; circuit keygen > FILE). With --read-only -hmac FILE it prints
the key that follows from the one in FILE and allows its holder to look but not to act.`,
  options: {
    'read-only': { type: 'flag', help: 'derive the key that may only look' },
    hmac: { type: 'text', value: 'FILE', help: 'the key to derive from (also: CIRCUIT_HMAC)' },
  },
  arity: [0, 0],
  async run({ io, line }) {
    if (!line.flag('read-only')) {
      await io.write(formatKey(generateKey()));
      return 0;
    }
    const file = line.text('hmac') ?? io.env['CIRCUIT_HMAC'];
    if (file === undefined || file === '')
      throw usageError('--read-only derives from a key: name its file with -hmac FILE');
    await io.write(formatKey((await readKeyFile(file)).key.readOnly()));
    return 0;
  },
};
