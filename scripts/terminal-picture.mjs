// Makes a picture of what a command prints on a terminal: node scripts/terminal-picture.mjs OUT.png 'PROMPT LINE' < output
// Needs Debian's chromium; used for the pictures in the documents.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [out, prompt] = process.argv.slice(2);
const lines = [`$ ${prompt}`, ...readFileSync(0, 'utf8').trimEnd().split('\n')];
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const columns = Math.max(...lines.map((line) => line.length));
const html = `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #16181d; color: #e6e6e6; font: 15px/1.45 "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: 18px 22px; } b { color: #7ee08a; font-weight: normal; }
</style><pre><b>${escape(lines[0])}</b>\n${lines.slice(1).map(escape).join('\n')}</pre>`;
const folder = mkdtempSync(join(tmpdir(), 'picture-'));
try {
  writeFileSync(join(folder, 'page.html'), html);
  execFileSync(
    '/usr/bin/chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--hide-scrollbars',
      `--user-data-dir=${folder}/profile`,
      `--window-size=${Math.ceil(columns * 9.05) + 48},${Math.ceil(lines.length * 21.75) + 40}`,
      `--screenshot=${resolve(out)}`,
      `file://${folder}/page.html`,
    ],
    { stdio: 'ignore' },
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
