import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canPass } from '../descriptors/unix-pair.js';
import { bundle } from '../support/bundle.js';

const examples = fileURLToPath(new URL('../../../../examples/channels', import.meta.url));
const page = readFileSync(new URL('../../../../docs/channels.md', import.meta.url), 'utf8');

/** What each prints. */
const printed: Readonly<Record<string, string>> = {
  'ten-lines': "{ hello: 'world' }\n",
  rpc: 'hello, world\nhello, moon\n',
  events: ['client heard server', 'server heard client']
    .flatMap((who) => [1, 2, 3].map((i) => `${who} ${i}\n`))
    .join(''),
  workers: '1 4 9 16 25 36 by 3 workers\n',
  gateway: '384,400 km\n',
  descriptors: 'hello, by the connection itself\n',
  addresses: 'hello, world, from who has the key of ann\nwith another key denied: true\n',
  web: 'hello, ann\nwithout a header denied: true\n',
  helpers: 'bob: first\nbob missed 0\ncopied 2\nslow: first\nslow: second\nspare: whoever is there\n',
  codec: 'samples [ 0.5, 1, 1.5 ]\nCircuitError: codec samples cannot carry a string: only lists of numbers\n',
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'example-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('every example has its test', () => {
  const files = readdirSync(examples).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toStrictEqual(
    Object.keys(printed)
      .map((name) => `${name}.ts`)
      .sort(),
  );
});

test('a remote call, both sides of it, has ten lines of code with its imports', () => {
  const lines = readFileSync(join(examples, 'ten-lines.ts'), 'utf8').split('\n');
  expect(lines.filter((line) => /^\s*[^\s/]/.test(line)).length).toBeLessThanOrEqual(10);
  // As the layout has it; longer ones would be two.
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
});

test('the README shows the first of them', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(join(examples, 'rpc.ts'), 'utf8')}\`\`\`\n`);
});

for (const [name, output] of Object.entries(printed)) {
  test.skipIf(name === 'descriptors' && !canPass())(
    `${name} runs, prints what the page says, and is the one on the page`,
    async () => {
      const { code } = await bundle(`../../examples/channels/${name}.ts`, { platform: 'node', external: ['ws'] });
      // Laid out as the package is, where the native part is found from dist.
      const program = join(folder, 'dist', 'example', `${name}.mjs`);
      mkdirSync(dirname(program), { recursive: true });
      symlinkSync(fileURLToPath(new URL('../../native', import.meta.url)), join(folder, 'native'));
      symlinkSync(fileURLToPath(new URL('../../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
      writeFileSync(program, code);
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [
        program,
        name === 'gateway' ? folder : join(folder, 's'),
      ]);
      expect([stdout, stderr]).toStrictEqual([output, '']);
      expect(page).toContain(`\`\`\`ts\n${readFileSync(join(examples, `${name}.ts`), 'utf8')}\`\`\`\n`);
      expect(page).toContain(`\`\`\`text\n${output}\`\`\`\n`);
    },
  );
}
