// @grpc/grpc-js: a unary call is a request on a stream of its own; one way and bytes are client streams.
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { chunk, message, times } from '../channel/common.mjs';

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
  const pour = async (body, more) => {
    let done;
    const over = new Promise((resolve, reject) => {
      done = (error, sum) => (error ? reject(error) : resolve(sum));
    });
    const call = client.Pour(done);
    let count = 0;
    for (; more(); count++) if (!call.write({ body })) await once(call, 'drain');
    call.end();
    const sum = await over;
    if (Number(sum.count) !== count) throw new Error(`grpc: ${sum.count} of ${count} arrived`);
  };
  return {
    oneWay: (count, value) => pour(value, times(count)),
    carriesBytes: true,
    ask,
    pour: (more) => pour(chunk, more),
    close: () => client.close(),
  };
}
