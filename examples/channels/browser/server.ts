import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type CircuitError, relay, type Session } from '@circuit/channel';
import { dialTcp } from '@circuit/channel/tcp';
import { mountWebSocket } from '@circuit/channel/websocket-listener';

const [script = 'page.js', workerPort = '4601', port = '4600'] = process.argv.slice(2);

// An ordinary web server, which sends the page …
const html = '<!doctype html><title>two hops</title><body></body><script type="module" src="page.js"></script>';
const code = readFileSync(script);
const server = createServer(({ url }, response) => {
  if (url === '/page.js') response.setHeader('Content-Type', 'text/javascript').end(code);
  else response.setHeader('Content-Type', 'text/html').end(html);
});

// … and hands every channel of the page on to the worker, without decoding a message.
const worker = await dialTcp({ host: '127.0.0.1', port: Number(workerPort) });
async function handOn(session: Session): Promise<void> {
  const { receiver, target } = await session.accept();
  relay(receiver, worker.open({ target }));
}
/** A client's end is not the server's: `closed` is its goodbye. */
function ended({ code, message }: CircuitError): void {
  if (code !== 'closed') console.error(message);
}
mountWebSocket(server, {}, (session) => void handOn(session).catch(ended));
server.listen(Number(port), '127.0.0.1', () => console.log(server.address()));
