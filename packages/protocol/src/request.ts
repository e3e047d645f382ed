import { parseAddress } from './address.js';
import type { Content } from './byte-end.js';
import { readCmd } from './command.js';
import { Fields, optional } from './fields.js';
import { isGlob, readGlob } from './glob.js';
import { invalid, orThrow, type Parsed, parsing, shown } from './parsed.js';
import { readPath } from './path.js';
import { readSignal } from './signal-name.js';
import { formatSocketTarget, parseSocketTarget } from './socket-target.js';
import { type AtElement, type Done, isVerbName, profileNames, type RequestOf, type VerbName, verbs } from './verb.js';

/** The version of what client and daemon say; the daemon answers `ping` with it. */
export const protocolVersion = 1;

/** Bounds of the numbers in requests. */
export const requestLimits: {
  readonly page: number;
  readonly capacity: number;
  readonly profileMs: number;
} = { page: 1000, capacity: 100_000, profileMs: 600_000 };

/** How many bytes of a message of a channel element are held without a receiver, and held for a next one. */
export const maxHeldBytes = 32_768;

/** One request: sent as a message that asks for an answer; see {@link Reply} for what comes. */
export interface Request<V extends VerbName = VerbName> {
  readonly verb: V;
  readonly body: RequestOf<V>;
}

/** A request of any verb; `verb` tells which. */
export type AnyRequest = { readonly [V in VerbName]: Request<V> }[VerbName];

/** Reads a request as it came; paths, globs, signals and commands are checked and canonical afterwards. */
export function parseRequest(value: unknown): Parsed<AnyRequest> {
  return parsing(() => {
    const fields = new Fields(value, 'request');
    const verb = fields.value('verb');
    if (!isVerbName(verb))
      throw invalid(`request: verb is ${shown(verb)}`, `use one of ${Object.keys(verbs).join(', ')}`, 'unknown-verb');
    const body = readBody(verb, fields.value('body'));
    fields.finish();
    return { verb, body } as AnyRequest;
  });
}

/** Reads the body of a request of the verb `verb`. */
export function parseBody<V extends VerbName>(verb: V, body: unknown): Parsed<RequestOf<V>> {
  return parsing(() => readBody(verb, body));
}

function readBody<V extends VerbName>(verb: V, body: unknown): RequestOf<V> {
  const fields = new Fields(body, verb);
  const read: RequestOf<V> = readers[verb](fields);
  fields.finish();
  return read;
}

const readers: { readonly [V in VerbName]: (fields: Fields) => RequestOf<V> } = {
  servers: nothing,
  ls: (fields) => ({
    path: pathOrGlob(fields),
    ...(fields.flag('recursive') ? { recursive: true } : {}),
    ...(fields.flag('long') ? { long: true } : {}),
    ...optional('after', fields.has('after') ? readPath(fields.value('after')).text : undefined),
    ...optional('limit', fields.has('limit') ? fields.integer('limit', 1, requestLimits.page) : undefined),
  }),
  peek: atElement,
  scrub: (fields) => ({ ...atElement(fields), ...(fields.flag('kill') ? { kill: true } : {}) }),
  mkproc: (fields) => ({ path: elementPath(fields), cmd: readCmd(fields.value('cmd')) }),
  mkchan: (fields) => ({ path: elementPath(fields), capacity: fields.integer('capacity', 0, requestLimits.capacity) }),
  wait: atElement,
  signal: (fields) => ({ ...atElement(fields), signal: readSignal(fields.value('signal')) }),
  stdin: atElement,
  output: (fields) => ({
    ...atElement(fields),
    stream: fields.choice('stream', ['stdout', 'stderr']),
    ...optional('offset', offset(fields)),
    ...(fields.has('follow') ? { follow: fields.flag('follow') } : {}),
  }),
  send: (fields) => ({ ...atElement(fields), content: content(fields.value('content')) }),
  recv: atElement,
  close: atElement,
  stat: atElement,
  env: nothing,
  rejoin: (fields) => {
    const address = fields.text('address');
    orThrow(parseAddress(address));
    return { address };
  },
  suicide: nothing,
  profile: (fields) => ({
    name: fields.choice('name', profileNames),
    ...optional('ms', fields.has('ms') ? fields.integer('ms', 1, requestLimits.profileMs) : undefined),
  }),
  forward: (fields) => ({ address: formatSocketTarget(orThrow(parseSocketTarget(fields.text('address')))) }),
  ping: nothing,
};

function nothing(): Done {
  return {};
}

function atElement(fields: Fields): AtElement {
  const path = readPath(fields.value('path')).text;
  return { path, ...optional('element', fields.has('element') ? fields.integer('element', 0) : undefined) };
}

function pathOrGlob(fields: Fields): string {
  const path = fields.value('path');
  return typeof path === 'string' && isGlob(path) ? readGlob(path).text : readPath(path).text;
}

/** The path of an element to be made: below a server, for the root and the servers take no other element. */
function elementPath(fields: Fields): string {
  const path = readPath(fields.value('path'));
  if (path.segments.length < 2)
    throw invalid(
      `path ${shown(path.text)} takes no element`,
      'cannot create elements outside of servers: name an anchor below one',
    );
  return path.text;
}

function offset(fields: Fields): number | 'end' | undefined {
  if (!fields.has('offset')) return undefined;
  return fields.value('offset') === 'end' ? 'end' : fields.integer('offset', 0);
}

function content(value: unknown): Content {
  const fields = new Fields(value, 'content');
  const read = contentOf(fields);
  fields.finish();
  return read;
}

function contentOf(fields: Fields): Content {
  switch (fields.choice('type', ['bytes', 'whole', 'value'])) {
    case 'bytes':
      return { type: 'bytes', source: fields.source('source') };
    case 'whole':
      return { type: 'whole', bytes: fields.bytes('bytes', maxHeldBytes) };
    case 'value':
      return { type: 'value', value: fields.value('value') ?? null };
  }
}
