import { errorCodes } from '@circuit/base';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

interface Row {
  readonly code: string;
  readonly cause: string;
  readonly remedy: string;
}

async function rows(): Promise<Row[]> {
  const text = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)` \| (.*?) \| (.*?) \|$/gm)].map(([, code = '', cause = '', remedy = '']) => ({
    code,
    cause,
    remedy,
  }));
}

test('docs/errors.md lists exactly the codes that exist, in their order', async () => {
  expect((await rows()).map(({ code }) => code)).toEqual([...errorCodes]);
});

test('every code has a cause and a remedy', async () => {
  for (const { code, cause, remedy } of await rows()) {
    expect(cause.trim(), `cause of ${code}`).not.toBe('');
    expect(remedy.trim(), `remedy of ${code}`).not.toBe('');
  }
});

test('there are at most twenty codes, each once', () => {
  expect(errorCodes.length).toBeLessThanOrEqual(20);
  expect(new Set(errorCodes).size).toBe(errorCodes.length);
});
