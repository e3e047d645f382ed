import { CircuitError, toCircuitError, type WaitOptions } from '@circuit/base';
import {
  canMatchBelow,
  comparePaths,
  type Entry,
  type Glob,
  isGlob,
  matchGlob,
  type Member,
  orThrow,
  parseGlob,
  parsePath,
} from '@circuit/protocol';
import { noServer } from './call.js';
import type { Uplink } from './uplink.js';

/** How anchors are listed. */
export interface ListOptions extends WaitOptions {
  /** Adds kind and element number. */
  readonly long?: boolean | undefined;
  /** Hears of a server that did not answer, by id; the rest goes on. Without it the listing rejects. */
  readonly onFailure?: ((serverId: string, error: CircuitError) => void) | undefined;
}

/** How many servers are asked at once. */
const serversAtOnce = 16;

/** The children of a plain path, or all anchors that match a pattern. Throws `invalid` at once; a path that is not there rejects. */
export function list(
  uplink: Uplink,
  servers: () => Promise<readonly Member[]>,
  pattern: string,
  options: ListOptions,
): AsyncGenerator<Entry, void, undefined> {
  if (isGlob(pattern)) return matching(uplink, servers, orThrow(parseGlob(pattern)), options);
  const path = orThrow(parsePath(pattern)).text;
  return path === '/' ? root(servers) : pages(uplink, path, path, options);
}

async function* root(servers: () => Promise<readonly Member[]>): AsyncGenerator<Entry, void, undefined> {
  for (const { id } of await servers()) yield serverEntry(id);
}

function serverEntry(id: string): Entry {
  return { path: `/${id}`, kind: 'server', element: 0, hasChildren: true };
}

async function* matching(
  uplink: Uplink,
  servers: () => Promise<readonly Member[]>,
  glob: Glob,
  options: ListOptions,
): AsyncGenerator<Entry, void, undefined> {
  if (glob.server !== undefined) {
    yield* pages(uplink, `/${glob.server}`, glob.text, options);
    return;
  }
  const ids = (await servers()).map(({ id }) => id);
  const waiting = ids.values();
  const underway: { readonly id: string; readonly entries: Promise<Entry[]> }[] = [];
  const begin = (): void => {
    const { value: id, done } = waiting.next();
    if (done === true) return;
    const entries = ofServer(uplink, id, glob, options);
    // Awaited in the order of the servers; an early failure must not count as unheard meanwhile.
    entries.catch(() => undefined);
    underway.push({ id, entries });
  };
  for (let i = 0; i < serversAtOnce; i++) begin();
  for (;;) {
    const next = underway.shift();
    if (next === undefined) return;
    try {
      const entries = await next.entries;
      begin();
      yield* entries;
    } catch (error) {
      if (options.onFailure === undefined || options.signal?.aborted) throw error;
      options.onFailure(next.id, toCircuitError(error));
      begin();
    }
  }
}

/** What matches on one server, its own anchor included; one page after the other, because a listing wants the order of the tree. */
async function ofServer(uplink: Uplink, id: string, glob: Glob, options: ListOptions): Promise<Entry[]> {
  const top = `/${id}`;
  const found: Entry[] = matchGlob(glob, top) ? [serverEntry(id)] : [];
  if (!canMatchBelow(glob, top)) return found;
  try {
    for await (const entry of pages(uplink, top, glob.text, options)) if (entry.path !== top) found.push(entry);
  } catch (error) {
    // Nothing there matches: for a pattern over many servers that is an answer.
    if (!(error instanceof CircuitError && error.code === 'not-found') || error.detail === noServer) throw error;
  }
  return found.sort((a, b) => comparePaths(a.path, b.path));
}

async function* pages(
  uplink: Uplink,
  owner: string,
  path: string,
  { long, signal }: ListOptions,
): AsyncGenerator<Entry, void, undefined> {
  let after: string | undefined;
  do {
    const body = { path, ...(long === true ? { long } : {}), ...(after === undefined ? {} : { after }) };
    const page = await uplink.ask('ls', owner, body, { signal });
    yield* page.entries;
    after = page.next;
  } while (after !== undefined);
}
