/**
 * The most frequent words in all README and licence texts below node_modules, counted by three servers with the tools that Unix has had
 * for fifty years: parcels of text go through a channel, each server starts processes on the ones it receives, and a reducer
 * process joins the counts.
 */
import { spawnSync } from 'node:child_process';
import { type Anchor, connect } from 'circuit';
import { testCluster } from 'circuit/testing';
import { packTexts } from './texts.js';

const count = "export LC_ALL=C; tr -cs 'A-Za-z' '\\n' | tr 'A-Z' 'a-z' | grep . | sort | uniq -c";
const reduce =
  "export LC_ALL=C; awk '{ n[$2] += $1 } END { for (w in n) print n[w], w }' | sort -k1,1nr -k2,2 | head -n 20";

const started = performance.now();
await using local = await testCluster({ nodes: 3 });
await using cluster = await connect({ dial: local.addr, keyFile: local.keyFile });
const servers = [...(await cluster.view()).values()];
const home = servers[0] as Anchor;

const parcels = await home.walk('demo/parcels').makeChan<Uint8Array>(6);
const reducer = await home.walk('demo/reduce').makeProc({ path: '/bin/sh', args: ['-c', reduce] });

const texts = packTexts('node_modules', 64);
let counted = 0;
const working = servers.map((server) => work(server));
for (const { bytes } of texts) await parcels.send(bytes);
await parcels.close();
await Promise.all(working);
await reducer.stdin.close();
const result = await reducer.stdout.text();

const files = texts.reduce((sum, text) => sum + text.files, 0);
const bytes = texts.reduce((sum, text) => sum + text.bytes.length, 0);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
progress('');
console.log(result.trimEnd());
console.log(`${files} files, ${bytes} bytes, ${texts.length} parcels, ${servers.length} servers, ${seconds} seconds`);

const alone = spawnSync('/bin/sh', ['-c', `${count} | (${reduce})`], {
  input: Buffer.concat(texts.map((text) => text.bytes)),
  encoding: 'utf8',
});
if (result === '' || result !== alone.stdout) throw new Error(`one machine without the circuit says:\n${alone.stdout}`);
console.log('the same tools on one machine, without the circuit, say the same');

/** Receives parcels until the channel is closed; each is counted by a process on `server`. */
async function work(server: Anchor): Promise<void> {
  let number = 0;
  for await (const parcel of parcels) {
    const counter = await server.walk(`demo/count-${++number}`).makeProc({ path: '/bin/sh', args: ['-c', count] });
    const [counts] = await Promise.all([counter.stdout.bytes(), counter.stdin.pipeFrom(parcel)]);
    const { Exit, ExitCode } = await counter.wait();
    if (ExitCode !== 0) throw new Error(`${counter.path}: ${Exit ?? 'still running'}`);
    await reducer.stdin.write(counts);
    await counter.scrub();
    progress(`${++counted} of ${texts.length} parcels counted, this one on ${server.serverId}`);
  }
}

/** Shows where the work stands, on a terminal only. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}`);
}
