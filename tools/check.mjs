// npm run check: everything that can be said about the code without running it.
import { spawnSync } from 'node:child_process';

const steps = [
  ['format', 'biome', ['format', '.']],
  ['types', 'tsc', ['-b']],
  ['lint', 'eslint', ['.', '--max-warnings', '0']],
  ['arrows', 'depcruise', ['--config', 'tools/boundaries.cjs', 'packages']],
  ['dead code', 'knip', []],
];

for (const [name, command, args] of steps) {
  const started = performance.now();
  const { status } = spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`check: ${name} failed`);
    process.exit(1);
  }
  console.log(`check: ${name} ok (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
