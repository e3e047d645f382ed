import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CircuitError } from '@circuit/base';
import { type Address, parseAddress } from '@circuit/protocol';

/** The address in the file that the variable `CIRCUIT` names; `~/` is the home directory. Rejects with `invalid`. */
export async function readAddressFile(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Address> {
  const path = name.startsWith('~/') ? join(env['HOME'] ?? homedir(), name.slice(2)) : name;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CircuitError(
      'invalid',
      `CIRCUIT names ${path}: ${why}: write the address of a server there, or unset it`,
      {
        cause: error,
      },
    );
  }
  const address = parseAddress(text);
  if (address.ok) return address.value;
  throw new CircuitError('invalid', `file ${path} (named by CIRCUIT): ${address.error.message}`);
}
