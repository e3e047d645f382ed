/** A value as one line of JSON, `undefined` when it holds ends of channels or streams, which no text can stand for. */
export function jsonLine(value: unknown): string | undefined {
  const ends: unknown[] = [];
  const text = JSON.stringify(value ?? null, (_, item: unknown) => {
    if (isEnd(item)) ends.push(item);
    return ends.length > 0 ? null : plain(item);
  });
  return ends.length > 0 ? undefined : `${text}\n`;
}

/** What JSON lacks, in the nearest form. */
function plain(item: unknown): unknown {
  if (typeof item === 'bigint') return item.toString();
  if (item instanceof Map) return Object.fromEntries(item);
  if (item instanceof Set) return [...item];
  if (item instanceof Uint8Array) return Buffer.from(item).toString('base64');
  if (item instanceof Error) return { name: item.name, message: item.message };
  return item;
}

/** A decoded value has methods only where an end of a channel stands. */
function isEnd(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false;
  const { cancel, abort } = item as { cancel?: unknown; abort?: unknown };
  return typeof cancel === 'function' || typeof abort === 'function';
}
