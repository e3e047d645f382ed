import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath, until } from '@circuit/testkit';

/** A proxy that stands in front of a listener. */
export interface Proxy {
  readonly port: number;
  /** Ends it at once and waits until it is gone. */
  close(): Promise<void>;
}

/** haproxy with the front and back end that `config` makes for its port; files go into its folder by name. */
export function startHaproxy(
  config: (port: number, folder: string) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Proxy> {
  const head = `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
`;
  return startProxy(
    'haproxy',
    (file) => ['-f', file, '-db'],
    (port, folder) => head + config(port, folder),
    files,
  );
}

/** nginx with what `server` says of its one server. */
export function startNginx(
  server: (port: number, folder: string) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Proxy> {
  const config = (port: number, folder: string): string => `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server { ${server(port, folder)} }
}
`;
  return startProxy('nginx', (file, folder) => ['-c', file, '-p', folder], config, files);
}

async function startProxy(
  program: string,
  args: (file: string, folder: string) => string[],
  config: (port: number, folder: string) => string,
  files: Readonly<Record<string, string>>,
  attempts = 5,
): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), 'channel-proxy-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const port = await freePort();
  const file = join(folder, 'config');
  await writeFile(file, config(port, folder));
  const child = spawn(programPath(program) ?? program, args(file, folder), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exited = once(child, 'exit');
  await until(`${program} to listen`, async () => child.exitCode !== null || (await answers(port)));
  if (child.exitCode !== null) {
    await rm(folder, { recursive: true });
    // Between our look for a free port and its own bind somebody else may have taken it.
    if (attempts > 1 && /bind|in use/i.test(said)) return startProxy(program, args, config, files, attempts - 1);
    throw new Error(`${program} ended: ${said}`);
  }
  return {
    port,
    async close() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
