// The far side of a peer as a process of its own: `node far.mjs PEER`; prints its address and ends with its stdin.
const { serve } = await import(`./${process.argv[2]}.mjs`);
process.stdout.write(`${JSON.stringify(await serve())}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
