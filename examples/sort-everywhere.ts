import { connect } from 'circuit';

await using cluster = await connect();
for (const server of (await cluster.view()).values()) {
  const sort = await server.walk('demo/sort').makeProc({ path: '/usr/bin/sort', args: ['-u'] });
  await sort.stdin.pipeFrom('b\na\nb\n');
  console.log(await sort.stdout.text(), (await sort.wait()).ExitCode);
  await sort.scrub();
}
