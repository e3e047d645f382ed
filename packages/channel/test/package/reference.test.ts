import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Target {
  readonly '@circuit/source': string;
  readonly node?: Target;
}

function read<Content>(file: string): Content {
  return JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')) as Content;
}

test('the API reference has every module that can be imported, and no other', () => {
  const { exports } = read<{ exports: Readonly<Record<string, Target>> }>('package.json');
  const { entryPoints } = read<{ entryPoints: readonly string[] }>('typedoc.json');
  const sources = Object.values(exports).map((target) => (target.node ?? target)['@circuit/source']);
  expect(entryPoints.map((path) => `./${path}`).sort()).toStrictEqual(sources.sort());
});
