import { CircuitError } from '@circuit/base';
import {
  canMatchBelow,
  comparePaths,
  type Entry,
  type Glob,
  isBelow,
  isGlob,
  join,
  type LsRequest,
  type LsResponse,
  matchGlob,
  orThrow,
  parseGlob,
  requestLimits,
} from '@circuit/protocol';
import type { Anchor } from './anchor.js';
import type { Namespace } from './namespace.js';

/** What a walk shows, and where it need not go. */
interface Choice {
  shows(path: string): boolean;
  goesBelow(path: string): boolean;
}

/**
 * A page of a listing of this server's own tree, sorted as a tree is read. The children of the root are the servers of the
 * cluster, `serverIds`; every other request speaks of this server alone. Throws `not-found` for a plain path without anchor.
 */
export function list(namespace: Namespace, request: LsRequest, serverIds: readonly string[]): LsResponse {
  const { path, recursive = false, after, limit = requestLimits.page } = request;
  const long = request.long === true;
  if (path === '/' && !recursive) return page(serversOf(namespace, serverIds, long, after), limit);
  if (!isGlob(path) && path !== '/' && namespace.anchor(path) === undefined)
    throw new CircuitError('not-found', `no anchor ${path}`);
  const choice = choiceOf(path, recursive);
  return page(entries(walk(namespace.root, choice, after), long), limit);
}

function choiceOf(path: string, recursive: boolean): Choice {
  if (!isGlob(path)) {
    return {
      shows: (at) => isBelow(at, path) && (recursive || at.indexOf('/', path.length + 1) === -1),
      goesBelow: (at) => isBelow(path, at) || at === path || (recursive && isBelow(at, path)),
    };
  }
  const globs: Glob[] = [orThrow(parseGlob(path))];
  if (recursive) globs.push(orThrow(parseGlob(join(path, '...'))));
  return {
    shows: (at) => globs.some((glob) => matchGlob(glob, at)),
    goesBelow: (at) => globs.some((glob) => canMatchBelow(glob, at)),
  };
}

/** The anchors that `choice` shows after `after`, without going where nothing can be. */
function* walk(root: Anchor, choice: Choice, after: string | undefined): Generator<Anchor> {
  const open = [root];
  for (;;) {
    const anchor = open.pop();
    if (anchor === undefined) return;
    const isBefore = after !== undefined && comparePaths(anchor.path, after) <= 0;
    if (!isBefore && choice.shows(anchor.path)) yield anchor;
    if (isBefore && anchor.path !== after && !isBelow(after, anchor.path)) continue;
    if (!choice.goesBelow(anchor.path)) continue;
    const { children } = anchor;
    for (let i = children.length - 1; i >= 0; i--) {
      const child = children[i];
      if (child !== undefined) open.push(child);
    }
  }
}

function* entries(anchors: Iterable<Anchor>, long: boolean): Generator<Entry> {
  for (const { path, held, hasChildren } of anchors) {
    const kind = long && held !== undefined ? { kind: held.element.kind, element: held.number } : {};
    yield { path, hasChildren, ...kind };
  }
}

function* serversOf(
  namespace: Namespace,
  ids: readonly string[],
  long: boolean,
  after: string | undefined,
): Generator<Entry> {
  for (const id of [...ids].sort()) {
    const path = `/${id}`;
    if (after !== undefined && path <= after) continue;
    // Of another server nobody here knows whether it holds anything, and one can always look.
    const hasChildren = id === namespace.serverId ? namespace.root.hasChildren : true;
    yield { path, hasChildren, ...(long ? { kind: 'server', element: 0 } : {}) };
  }
}

function page(found: Iterable<Entry>, limit: number): LsResponse {
  const taken: Entry[] = [];
  for (const entry of found) {
    const last = taken.at(-1);
    if (taken.length === limit && last !== undefined) return { entries: taken, next: last.path };
    taken.push(entry);
  }
  return { entries: taken };
}
