import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The far side of a probe as a process of its own: `{address, close}`. */
export async function far(kind, onward) {
  const more = onward === undefined ? [] : [JSON.stringify(onward)];
  const child = spawn(process.execPath, [new URL('serve.mjs', import.meta.url).pathname, kind, ...more], {
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
