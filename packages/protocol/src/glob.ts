import { invalid, type Parsed, parsing, shown } from './parsed.js';
import { checkSegment, isServerId, split, splitChecked } from './path.js';

/**
 * A pattern over anchor paths. `*` stands for any run of characters in one name; `...` or `**` as a whole name stands for
 * any number of levels: at the end for one or more (so `/Xab/...` means all below `/Xab`, not itself), elsewhere for none
 * or more.
 */
export interface Glob {
  /** The canonical text. */
  readonly text: string;
  /** The anchor from which a walk finds every match: the literal names before the first pattern. */
  readonly prefix: string;
  /** The one server it speaks of, when its first name is literal; `undefined` = any. */
  readonly server: string | undefined;
  /** Whether it holds no pattern at all and so matches only its own text. */
  readonly literal: boolean;
  /** Whether it reaches any depth. */
  readonly recursive: boolean;
  readonly segments: readonly string[];
}

/** Whether `text` holds a pattern: a `*`, or the name `...`. */
export function isGlob(text: string): boolean {
  return split(text).some(isPattern);
}

/** Reads a pattern or a plain path; the same things are refused as in a path. */
export function parseGlob(text: unknown): Parsed<Glob> {
  return parsing(() => readGlob(text));
}

/** Whether the canonical `path` matches. Takes time in proportion to the product of the two lengths, never more. */
export function matchGlob(glob: Glob, path: string): boolean {
  const names = split(path);
  return reach(glob, names).has(glob.segments.length);
}

/** Whether something strictly below the canonical `path` can match: a walk may skip the rest. */
export function canMatchBelow(glob: Glob, path: string): boolean {
  // Every position but the last has a name still to come; "any depth" never leaves its position, so it needs no case.
  for (const position of reach(glob, split(path))) if (position < glob.segments.length) return true;
  return false;
}

/** The throwing form of {@link parseGlob}, for readers inside this package. */
export function readGlob(text: unknown): Glob {
  if (typeof text !== 'string') throw invalid(`pattern is ${shown(text)}`, 'give a text such as /*/jobs or /Xab/...');
  const raw = splitChecked(text);
  for (const segment of raw) checkSegment(segment, text);
  const segments = raw.map((segment, index) => canonicalSegment(segment, index));
  const [first] = segments;
  if (first !== undefined && !isPattern(first) && !isServerId(first))
    throw invalid(`pattern ${shown(text)} begins with ${shown(first)}`, 'begin with the id of a server, * or ...');
  const fixed = segments.findIndex(isPattern);
  const literal = fixed === -1;
  return {
    text: `/${segments.join('/')}`,
    prefix: `/${(literal ? segments : segments.slice(0, fixed)).join('/')}`,
    server: first === undefined || isPattern(first) ? undefined : first,
    literal,
    recursive: segments.some(isAnyDepth),
    segments,
  };
}

function canonicalSegment(segment: string, index: number): string {
  if (segment === '**') return '...';
  if (index === 0 && /^X[0-9a-fA-F*]+$/.test(segment)) return `X${segment.slice(1).toLowerCase()}`;
  return segment;
}

function isPattern(segment: string): boolean {
  return segment.includes('*') || segment === '...';
}

function isAnyDepth(segment: string): boolean {
  return segment === '...' || segment === '**';
}

/** The positions in the pattern that can be reached by consuming all `names` (a nondeterministic automaton, by sets). */
function reach(glob: Glob, names: readonly string[]): Set<number> {
  const { segments } = glob;
  let at = closure(new Set([0]), segments);
  for (const name of names) {
    const next = new Set<number>();
    for (const position of at) {
      const segment = segments[position];
      if (segment === undefined) continue;
      if (isAnyDepth(segment)) {
        next.add(position);
        next.add(position + 1);
      } else if (matchName(segment, name)) next.add(position + 1);
    }
    at = closure(next, segments);
  }
  return at;
}

/** Adds what is reached without a name: past an "any depth" that is not the last. */
function closure(positions: Set<number>, segments: readonly string[]): Set<number> {
  for (const position of positions) {
    const segment = segments[position];
    if (segment !== undefined && isAnyDepth(segment) && position < segments.length - 1) positions.add(position + 1);
  }
  return positions;
}

/** Matches one name against a pattern with `*`; on a mismatch the last star takes one character more. */
function matchName(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let mark = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = n;
    } else if (p < pattern.length && pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star !== -1) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
