import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { programPath, requires } from '@circuit/testkit';
import { expect, test } from 'vitest';
import { canPass } from '../descriptors/unix-pair.js';
import { fixtureNode, layOut } from '../descriptors/program.js';
import { scopePerTest } from '../support/scope-per-test.js';

const scope = scopePerTest();

test.skipIf(!canPass() || !requires('taskset'))(
  'a thread that yields gives up its processor to whoever wants it, one that does not keeps it',
  async () => {
    const { folder, program } = await layOut('yielding.ts');
    const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    scope.defer(() => rm(folder, { recursive: true }));
    const printed = execFileSync(programPath('taskset') ?? '', ['-c', allowed, fixtureNode, program], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    const [kept, yielded] = printed.trim().split(' ').map(Number);
    expect(kept).toBeLessThan(3);
    // Linux keeps a thread that has had less than its share (EEVDF, sched_yield(2)): it is about every second time.
    expect(yielded).toBeGreaterThan(8);
  },
);
