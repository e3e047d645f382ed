// @grpc/grpc-js: a unary call is a request on a stream of its own; one way and bytes are client streams.
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { chunk, flight, message, seconds } from './common.mjs';

const { Peer } = grpc.loadPackageDefinition(loadSync(new URL('peer.proto', import.meta.url).pathname));

export function serve() {
  const server = new grpc.Server();
  server.addService(Peer.service, {
    Ask: ({ request }, answer) => answer(null, request),
    Pour(call, answer) {
      let count = 0;
      let bytes = 0;
      call.on('data', ({ body }) => {
        count++;
        bytes += body.length;
      });
      call.on('end', () => answer(null, { count, bytes }));
    },
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve({ port });
    });
  });
}

export async function dial({ port }) {
  const client = new Peer(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const ask = () =>
    new Promise((resolve, reject) => {
      client.Ask({ body: message }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  await ask();
  const pour = async (body, count) => {
    const start = performance.now();
    let done;
    const over = new Promise((resolve, reject) => {
      done = (error, sum) => (error ? reject(error) : resolve(sum));
    });
    const call = client.Pour(done);
    for (let i = 0; i < count; i++) if (!call.write({ body })) await once(call, 'drain');
    call.end();
    const sum = await over;
    if (Number(sum.count) !== count) throw new Error(`grpc: ${sum.count} of ${count} arrived`);
    return count / seconds(start);
  };
  return {
    oneWay: (count) => pour(message, count),
    requests: (inFlight, count) => flight(inFlight, count, ask),
    stream: async (bytes) => (await pour(chunk, bytes / chunk.length)) * chunk.length,
    close: () => client.close(),
  };
}
