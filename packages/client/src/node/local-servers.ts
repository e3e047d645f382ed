import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { type Address, parseAddress } from '@circuit/protocol';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The sockets of the daemons of this user on this machine, by the numbers of their state folders. A daemon that ended without a word may be
 * among them: nobody answers there.
 */
export async function localServers(
  env: Env,
  uid: number | undefined = process.getuid?.(),
): Promise<readonly Address[]> {
  const base = stateBase(env, uid);
  const names = await readdir(base).catch((): string[] => []);
  const numbers = names.filter((name) => /^[1-9]\d{0,2}$/.test(name)).sort((a, b) => Number(a) - Number(b));
  const found = await Promise.all(numbers.map((number) => socketOf(join(base, number))));
  return found.filter((address) => address !== undefined);
}

/** Where a daemon says where its socket is; see STATE.md of the daemon. */
async function socketOf(folder: string): Promise<Address | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, 'daemon.json'), 'utf8'));
    const { version, socket } = (record ?? {}) as { version?: unknown; socket?: unknown };
    if (version !== 1 || typeof socket !== 'string') return undefined;
    const address = parseAddress(`unix:${socket}`);
    return address.ok ? address.value : undefined;
  } catch {
    // Not ours to read, or no server there any more.
    return undefined;
  }
}

function stateBase(env: Env, uid: number | undefined): string {
  if (uid === 0) return '/var/lib/circuit';
  const xdg = env['XDG_STATE_HOME'];
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'circuit');
  return join(env['HOME'] ?? homedir(), '.local', 'state', 'circuit');
}
