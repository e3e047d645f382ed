import { invalid, type Parsed, parsing } from './parsed.js';

/**
 * Reads JSON as people write it by hand: a comma before a closing bracket is accepted, nothing else beyond RFC 8259.
 * `what` names the text in the error, which says where as far as the engine tells.
 */
export function parseLenientJson(text: string, what: string): Parsed<unknown> {
  return parsing(() => {
    if (text.trim() === '') throw invalid(`${what} is empty`, 'give a JSON object');
    try {
      return JSON.parse(withoutTrailingCommas(text)) as unknown;
    } catch (error) {
      throw invalid(`${what} is not JSON`, reason(error));
    }
  });
}

/** `text` with spaces in place of the commas that a closing bracket follows, so that positions stay. */
function withoutTrailingCommas(text: string): string {
  const pieces: string[] = [];
  let kept = 0;
  let comma = -1;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (char === '"') {
      i = endOfString(text, i);
      comma = -1;
    } else if (char === ',') {
      // A comma needs a value before it: `[,]` stays wrong.
      comma = followsValue(text, i) ? i : -1;
    } else if ((char === '}' || char === ']') && comma !== -1) {
      pieces.push(text.slice(kept, comma), ' ');
      kept = comma + 1;
      comma = -1;
    } else if (!/\s/.test(char)) comma = -1;
  }
  pieces.push(text.slice(kept));
  return pieces.join('');
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

function followsValue(text: string, comma: number): boolean {
  let i = comma - 1;
  while (i >= 0 && /\s/.test(text[i] ?? '')) i--;
  return i >= 0 && !'[{,:'.includes(text[i] ?? '');
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
