// Messages through a channel element: a daemon in a process of its own, one client over its Unix socket.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = mkdtempSync(join(tmpdir(), 'circuit-bench-'));
const entries = ['chan-server', 'chan-client'];
await build({
  entryPoints: entries.map((name) => fileURLToPath(new URL(`../test/bench/${name}.ts`, import.meta.url))),
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  conditions: ['@circuit/source'],
  logLevel: 'warning',
});
const socket = join(folder, 's');
const server = spawn(process.execPath, [join(folder, 'chan-server.mjs'), socket], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise((resolve) => server.stdout.once('data', resolve));
const client = spawn(process.execPath, [join(folder, 'chan-client.mjs'), socket], { stdio: 'inherit' });
const code = await new Promise((resolve) => client.once('exit', resolve));
server.kill();
rmSync(folder, { recursive: true });
process.exit(code ?? 1);
