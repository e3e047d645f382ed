/** What a value that came over a session holds besides data. */
export interface Measure {
  /** The size of its data, roughly as a codec would write it. */
  readonly bytes: number;
  /** Whether it holds ends of channels or streams, which move with it. */
  readonly holdsEnds: boolean;
}

interface Ending {
  cancel?(reason: unknown): void;
  abort?(reason: unknown): void;
}

/** Measures a value as a session delivers it: plain data, or the ends of channels and streams in it. */
export function measure(value: unknown): Measure {
  if (typeof value === 'string') return { bytes: value.length, holdsEnds: false };
  if (value instanceof Uint8Array) return { bytes: value.length, holdsEnds: false };
  let holdsEnds = false;
  const bytes = walk(value, () => {
    holdsEnds = true;
  });
  return { bytes, holdsEnds };
}

/** Ends every channel and stream in a value that goes no further, so that those at their other ends hear of it. */
export function discard(value: unknown, reason: unknown): void {
  walk(value, (end) => {
    end.cancel?.(reason);
    end.abort?.(reason);
  });
}

/** Visits the value without recursion limits of its own: codecs bound the depth of what they deliver. */
function walk(value: unknown, onEnd: (end: Ending) => void): number {
  switch (typeof value) {
    case 'string':
      return value.length + 1;
    case 'number':
    case 'bigint':
      return 8;
    case 'object':
      return value === null ? 1 : walkObject(value, onEnd);
    default:
      return 1;
  }
}

function walkObject(value: object, onEnd: (end: Ending) => void): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof ArrayBuffer) return value.byteLength;
  if (value instanceof Date) return 8;
  let bytes = 2;
  if (Array.isArray(value) || value instanceof Set) {
    for (const item of value as Iterable<unknown>) bytes += walk(item, onEnd);
    return bytes;
  }
  if (value instanceof Map) {
    for (const [key, item] of value as Map<unknown, unknown>) bytes += walk(key, onEnd) + walk(item, onEnd);
    return bytes;
  }
  if (isEnd(value)) {
    onEnd(value);
    return 8;
  }
  for (const key of Object.keys(value)) {
    bytes += key.length + 1 + walk((value as Record<string, unknown>)[key], onEnd);
  }
  return bytes;
}

/** No codec makes functions out of plain data, so methods prove an end. */
function isEnd(value: object): value is Ending {
  const has = (name: string): boolean => typeof (value as Record<string, unknown>)[name] === 'function';
  return has('cancel') || has('abort');
}
