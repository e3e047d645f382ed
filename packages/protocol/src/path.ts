import { invalid, type Parsed, parsing, shown, utf8Bytes } from './parsed.js';

/** Bounds of an anchor path; longer ones are refused wherever they come from. */
export const pathLimits: { readonly pathBytes: number; readonly segmentBytes: number; readonly depth: number } = {
  pathBytes: 4096,
  segmentBytes: 255,
  depth: 64,
};

/** A checked anchor path. */
export interface AnchorPath {
  /** The canonical text: `/`, or `/X<hex in lower case>` and names, without a slash at the end. */
  readonly text: string;
  /** The id of the server that owns it (`X…`); `undefined` for the root. */
  readonly server: string | undefined;
  /** All names, that of the server first; empty for the root. */
  readonly segments: readonly string[];
}

/** The root, which stands for the cluster. */
export const rootPath: AnchorPath = { text: '/', server: undefined, segments: [] };

/**
 * Reads `/X<hex>/any/path`. One slash at the end is dropped and the digits of the server's id become lower case; ids of
 * any length pass. Refused: a missing first slash, empty names, `.` and `..`, control characters, unpaired surrogates,
 * patterns (detail `glob`), and what exceeds {@link pathLimits}.
 */
export function parsePath(text: unknown): Parsed<AnchorPath> {
  return parsing(() => readPath(text));
}

/** Whether `id` is the id of a server: `X` and hexadecimal digits. */
export function isServerId(id: string): boolean {
  return /^X[0-9a-fA-F]+$/.test(id) && id.length <= pathLimits.segmentBytes;
}

/** The names of `path`, without a check: `split('/Xab/a')` is `['Xab', 'a']`; empty names are dropped. */
export function split(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** The path that leads from `base` along `segments`, without a check; a segment may itself hold slashes. */
export function join(base: string, ...segments: readonly string[]): string {
  return `/${[base, ...segments].flatMap(split).join('/')}`;
}

/** The path one level up, without a check; the root's parent is the root. */
export function parent(path: string): string {
  return `/${split(path).slice(0, -1).join('/')}`;
}

/** Whether `path` lies strictly below `ancestor`; both canonical. */
export function isBelow(path: string, ancestor: string): boolean {
  if (path === '/') return false;
  return ancestor === '/' || path.startsWith(`${ancestor}/`);
}

/** Orders canonical paths as a tree is read: a path before what is below it, siblings by code unit. */
export function comparePaths(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const l = left[i] ?? '';
    const r = right[i] ?? '';
    if (l !== r) return l < r ? -1 : 1;
  }
  return left.length - right.length;
}

/** The throwing form of {@link parsePath}, for readers inside this package. */
export function readPath(text: unknown): AnchorPath {
  if (typeof text !== 'string') throw invalid(`path is ${shown(text)}`, 'give a text such as /X0123456789abcdef/jobs');
  const segments = splitChecked(text);
  for (const segment of segments) {
    checkSegment(segment, text);
    if (segment.includes('*') || segment === '...')
      throw invalid(`path ${shown(text)} is a pattern`, 'name one anchor here', 'glob');
  }
  const [id, ...rest] = segments;
  if (id === undefined) return rootPath;
  if (!isServerId(id))
    throw invalid(
      `path ${shown(text)} begins with ${shown(id)}`,
      'begin with the id of a server, X and hexadecimal digits',
    );
  const server = `X${id.slice(1).toLowerCase()}`;
  const names = [server, ...rest];
  return { text: `/${names.join('/')}`, server, segments: names };
}

/** The names of `text` after the checks on the whole: first slash, length, depth. */
export function splitChecked(text: string): string[] {
  if (!text.startsWith('/')) throw invalid(`path ${shown(text)} has no first slash`, 'begin it with /');
  if (utf8Bytes(text) > pathLimits.pathBytes)
    throw invalid(`path ${shown(text)} is too long`, `use at most ${pathLimits.pathBytes} bytes`, 'too-long');
  const body = text.length > 1 && text.endsWith('/') ? text.slice(1, -1) : text.slice(1);
  const segments = body === '' && text === '/' ? [] : body.split('/');
  if (segments.length > pathLimits.depth)
    throw invalid(`path ${shown(text)} is too deep`, `use at most ${pathLimits.depth} levels`, 'too-long');
  return segments;
}

/** Throws if `segment`, a part of `text`, cannot be the name of an anchor. */
export function checkSegment(segment: string, text: string): void {
  if (segment === '') throw invalid(`path ${shown(text)} has an empty name`, 'write single slashes');
  if (segment === '.' || segment === '..')
    throw invalid(`path ${shown(text)} holds ${shown(segment)}`, 'write the path in full');
  if (/[\p{Cc}\p{Cs}]/u.test(segment))
    throw invalid(`path ${shown(text)} holds a control character or half a character`, 'use printable text');
  if (utf8Bytes(segment) > pathLimits.segmentBytes)
    throw invalid(
      `name ${shown(segment)} in a path is too long`,
      `use at most ${pathLimits.segmentBytes} bytes`,
      'too-long',
    );
}
