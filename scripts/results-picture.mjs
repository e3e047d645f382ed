// Draws docs/img/channels.svg from the first table below "## Channels" in bench/RESULTS.md:
//   node scripts/results-picture.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const source = 'bench/RESULTS.md';
const target = 'docs/img/channels.svg';
const panels = [
  { column: 'one way', title: 'messages of 100 bytes, one way, per second' },
  { column: 'req 1', title: 'requests with a return channel, one at a time, per second' },
  { column: 'req 64', title: 'requests with a return channel, 64 in flight, per second' },
  { column: 'stream MiB/s', title: 'byte stream, MiB/s' },
];
const width = 860;
const labelWidth = 190;
const barHeight = 18;
const gap = 6;

const [, section] = readFileSync(source, 'utf8').split('\n## Channels\n');
if (section === undefined) throw new Error(`${source}: no section "Channels"`);
const lines = section.split('\n');
const from = lines.findIndex((line) => line.startsWith('| |'));
const until = lines.findIndex((line, i) => i > from && !line.startsWith('|'));
const cells = (line) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const columns = cells(lines[from]);
const rows = lines
  .slice(from + 2, until)
  .map(cells)
  .filter(([name]) => name.endsWith(' 2p'));

function number(text) {
  if (text === '–') return undefined;
  return text.endsWith(' k') ? Number(text.slice(0, -2)) * 1000 : Number(text);
}

function panel({ column, title }, top) {
  const at = columns.indexOf(column);
  const bars = rows.map((row) => [row[0].slice(0, -3), number(row[at])]).filter(([, value]) => value !== undefined);
  const most = Math.max(...bars.map(([, value]) => value));
  const parts = [`<text x="0" y="${top + 14}" class="title">${title}</text>`];
  bars.forEach(([name, value], i) => {
    const y = top + 26 + i * (barHeight + gap);
    const length = Math.max(1, ((width - labelWidth - 90) * value) / most);
    const kind = ours.has(name) ? 'ours' : name.startsWith('bare') ? 'bare' : 'peer';
    parts.push(
      `<text x="${labelWidth - 8}" y="${y + 13}" class="label">${name}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" class="${kind}"/>`,
      `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 13}">${value.toLocaleString('en-US')}</text>`,
    );
  });
  return { svg: parts.join('\n'), height: 26 + bars.length * (barHeight + gap) + 20 };
}

const ours = new Set([
  'unix',
  'tcp',
  'tls',
  'tls-certificates',
  'websocket',
  'wss',
  'http2',
  'http2-tls',
  'tcp resume',
]);
let top = 10;
const drawn = panels.map((one) => {
  const { svg, height } = panel(one, top);
  top += height;
  return svg;
});
writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 0 ${width + 32} ${top}" font-family="sans-serif" font-size="12">
<style>text { fill: #222 } .title { font-weight: bold; font-size: 13px } .label { text-anchor: end } .ours { fill: #2b6cb0 } .peer { fill: #b7791f } .bare { fill: #718096 }</style>
<rect x="-16" width="${width + 32}" height="${top}" fill="#fff"/>
${drawn.join('\n')}
<text x="0" y="${top - 6}">blue: circuit over that carrier · brown: other libraries · grey: a bare socket with MessagePack, ping-pong for requests</text>
</svg>
`,
);
console.log(`${target}: ${rows.length} rows`);
