import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Program } from './program.js';
import { canPass } from './unix-pair.js';

test.skipIf(!canPass()).each(['connection', 'pipe'])(
  'two processes that got one end each of a %s from a third talk directly, when the third is dead',
  async (what) => {
    const folder = mkdtempSync(join(tmpdir(), 'third-'));
    const path = join(folder, 's');
    const broker = await Program.start('descriptor-broker.ts', { args: [path, what] });
    expect(await broker.line()).toBe('listening');
    const first = await Program.start('descriptor-talker.ts', { args: [path] });
    expect(await first.line()).toBe('dialled');
    const second = await Program.start('descriptor-talker.ts', { args: [path] });
    expect(await second.line()).toBe('dialled');
    expect([await first.line(), await second.line()]).toStrictEqual(['has it', 'has it']);
    await broker.kill();
    expect([await first.line(), await second.line()]).toStrictEqual(['peer-gone', 'peer-gone']);
    // Of a pipe one process has the writing end: who was first.
    const [writing, reading] = [first, second];
    writing.say('question');
    expect(await reading.line()).toBe('heard question');
    if (what === 'connection') {
      reading.say('answer');
      expect(await writing.line()).toBe('heard answer');
      const over = reading.ended();
      expect(await writing.line()).toBe('heard the end');
      expect(await writing.ended()).toBe(0);
      expect(await over).toBe(0);
    } else {
      expect(await writing.ended()).toBe(0);
      expect(await reading.line()).toBe('heard the end');
      expect(await reading.ended()).toBe(0);
    }
    rmSync(folder, { recursive: true });
  },
);
