import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The far side of a probe as a process of its own: `{address, close}`. */
export function far(kind, onward) {
  const more = onward === undefined ? [] : [JSON.stringify(onward)];
  return spawned('serve.mjs', kind, ...more);
}

/** The far side of a library that ours is compared with. */
export const farPeer = (name) => spawned('../peers/far.mjs', name);

async function spawned(program, ...args) {
  const child = spawn(process.execPath, [...process.execArgv, new URL(program, import.meta.url).pathname, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    address: JSON.parse(line),
    pid: child.pid,
    async close() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
