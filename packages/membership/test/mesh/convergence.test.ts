import { seededRandom } from '@circuit/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Server, Simulation } from './simulation.js';

interface Operation {
  readonly what: string;
  readonly one: number;
  readonly other: number;
  readonly moves: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  what: fc.constantFrom('join', 'join', 'kill', 'leave', 'restart', 'cut', 'heal', 'announce', 'clone', 'wait'),
  one: fc.nat(),
  other: fc.nat(),
  /** How many things arrive before the next operation. */
  moves: fc.nat({ max: 30 }),
});

/** Does one operation to one or two of the living. */
function operate(simulation: Simulation, { what, one, other, moves }: Operation): void {
  const { living } = simulation;
  const [a, b] = [living[one % living.length], living[other % living.length]];
  if (a !== undefined && b !== undefined) {
    if (what === 'join') simulation.join(a, b);
    else if (what === 'kill' && living.length > 2) simulation.kill(a);
    else if (what === 'leave' && living.length > 2) simulation.leave(a);
    else if (what === 'restart') simulation.restart(a);
    else if (what === 'cut' && a !== b) simulation.cut(a, b);
    else if (what === 'heal') simulation.heal();
    else if (what === 'announce') simulation.feed(a, { type: 'announce', changes: { name: `n${moves}` } });
    else if (what === 'clone' && living.length < 8) simulation.start(a.mesh.self.id);
    else if (what === 'wait') simulation.run(moves * 1000);
  }
  for (let i = 0; i < moves; i++) simulation.move();
}

function expectAgreement(simulation: Simulation, servers: readonly Server[]): void {
  const ids = servers.map((server) => server.mesh.self.id).sort();
  for (const server of servers) {
    expect(server.mesh.members.map((member) => member.id)).toEqual(ids);
    expect([...server.seen.keys()].sort()).toEqual(ids);
    for (const other of servers) {
      const shown = server.mesh.members.find((member) => member.id === other.mesh.self.id);
      expect(shown).toMatchObject({ boot: other.mesh.self.boot, incarnation: other.mesh.self.incarnation });
      if (other !== server) expect(server.mesh.linkTo(other.mesh.self.id)).toBeDefined();
    }
    expect(server.ends.size).toBe(servers.length - 1);
  }
  expect(simulation.living).toEqual(servers);
}

test('whatever happens in whatever order, those who live agree in the end, with one link for each pair', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 2, max: 6 }),
      fc.array(operation, { maxLength: 40 }),
      (seed, size, script) => {
        const simulation = new Simulation(seededRandom(seed));
        for (let i = 0; i < size; i++) simulation.start();
        for (const step of script) operate(simulation, step);
        simulation.heal();
        const [first, ...others] = simulation.living;
        for (const server of others) simulation.join(server, first!);
        simulation.run(300_000);
        expectAgreement(simulation, simulation.living);
        simulation.run(3_600_000);
        expectAgreement(simulation, simulation.living);
      },
    ),
    { numRuns: 400 },
  );
});

test('a cluster that is cut anywhere becomes whole by itself', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })), { maxLength: 12 }),
      (seed, cuts) => {
        const simulation = new Simulation(seededRandom(seed));
        const servers = Array.from({ length: 6 }, () => simulation.start());
        for (const server of servers.slice(1)) simulation.join(server, servers[0]!);
        simulation.run(10_000);
        expectAgreement(simulation, servers);
        for (const [a, b] of cuts) if (a !== b) simulation.cut(servers[a]!, servers[b]!);
        simulation.run(120_000);
        simulation.heal();
        simulation.run(15_000);
        expectAgreement(simulation, servers);
      },
    ),
    { numRuns: 100 },
  );
});
