import { CircuitError, type Random, randomInt } from '@circuit/base';
import type { DialFailure, DialTarget, Effect, LinkPeer, MeshEvent } from '../../src/mesh/events.js';
import { Mesh } from '../../src/mesh/mesh.js';
import type { MemberRecord } from '../../src/record.js';

interface Wire {
  /** What is on the way in this direction, in order. */
  readonly queue: (() => void)[];
}

interface End {
  readonly to: Server;
  readonly theirs: number;
  readonly wire: Wire;
}

/** One server: a bare state machine. */
export interface Server {
  readonly address: string;
  mesh: Mesh;
  readonly ends: Map<number, End>;
  up: boolean;
  /** What the watchers were told, applied. */
  readonly seen: Map<string, string>;
}

/**
 * Servers without sessions, clocks or bytes. Everything that is on the way waits in a queue of its own, and the seed decides
 * which moves next, so every order that a network could make can come about.
 */
export class Simulation {
  readonly servers: Server[] = [];
  nowMs = 0;
  readonly #random: Random;
  readonly #wires = new Set<Wire>();
  readonly #cuts = new Set<string>();
  #counter = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get living(): readonly Server[] {
    return this.servers.filter((server) => server.up);
  }

  start(id: string = this.#newId()): Server {
    const address = `circuit://10.0.0.1:${++this.#counter}`;
    const server: Server = { address, mesh: this.#newMesh(id, address), ends: new Map(), up: true, seen: new Map() };
    this.servers.push(server);
    this.#mirror(server);
    return server;
  }

  /** As a crash and a start on the same state folder. */
  restart(server: Server): void {
    this.kill(server);
    server.mesh = this.#newMesh(server.mesh.self.id, server.address);
    server.up = true;
    this.#mirror(server);
  }

  join(from: Server, to: Server): void {
    this.feed(from, { type: 'join', seed: ++this.#counter, address: to.address });
  }

  leave(server: Server): void {
    this.feed(server, { type: 'leave' });
    server.up = false;
    for (const link of [...server.ends.keys()]) this.#end(server, link, false);
  }

  kill(server: Server): void {
    server.up = false;
    for (const link of [...server.ends.keys()]) this.#end(server, link, true);
  }

  cut(a: Server, b: Server): void {
    this.#cuts.add(pairOf(a, b));
    for (const [link, end] of [...a.ends]) {
      if (end.to !== b) continue;
      this.#end(a, link, true);
      this.feed(a, { type: 'lost', link, silentMs: 0 });
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  feed(server: Server, event: MeshEvent): void {
    if (!server.up) return;
    const { mesh } = server;
    for (const effect of mesh.step(event, this.nowMs)) this.#apply(server, effect);
  }

  /** Lets one thing arrive that is on the way; false when there is none. */
  move(): boolean {
    const busy = [...this.#wires].filter((wire) => wire.queue.length > 0);
    if (busy.length === 0) return false;
    const wire = busy[randomInt(this.#random, busy.length)];
    wire?.queue.shift()?.();
    if (wire?.queue.length === 0) this.#wires.delete(wire);
    return true;
  }

  /** Moves everything and lets `ms` pass. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      while (this.move());
      const dues = this.living.flatMap((server) => server.mesh.nextDueMs ?? []);
      const next = Math.min(...dues);
      if (next > endMs) break;
      this.nowMs = Math.max(this.nowMs, next);
      for (const server of this.living) {
        if ((server.mesh.nextDueMs ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.feed(server, { type: 'tick' });
      }
    }
    this.nowMs = endMs;
  }

  #apply(server: Server, effect: Effect): void {
    switch (effect.type) {
      case 'dial':
        this.#later(() => {
          this.#dial(server, effect.target, effect.address, server.mesh);
        });
        return;
      case 'tell': {
        const end = server.ends.get(effect.link);
        if (end === undefined) return;
        this.#wires.add(end.wire);
        end.wire.queue.push(() => this.feed(end.to, { type: 'heard', link: end.theirs, entries: effect.entries }));
        return;
      }
      case 'hang-up':
        this.#end(server, effect.link, false);
        return;
      case 'view':
        if (effect.event.type === 'snapshot') {
          server.seen.clear();
          for (const member of effect.event.members) server.seen.set(member.id, member.boot);
        } else this.#see(server, effect.event);
        return;
      case 'twin':
        this.#later(() => {
          this.feed(server, { type: 'renamed', self: this.#newRecord(this.#newId(), server.address) });
        });
        return;
      case 'ready':
      case 'seed-done':
      case 'seed-failed':
        return;
    }
  }

  /** An event must change the view by exactly what it says. */
  #see(server: Server, event: Exclude<Extract<Effect, { type: 'view' }>['event'], { type: 'snapshot' }>): void {
    const { id, boot } = event.member;
    if (server.seen.has(id) !== (event.type !== 'join'))
      throw new Error(`${server.address}: ${event.type} of ${id} is out of place`);
    if (event.type === 'leave') server.seen.delete(id);
    else server.seen.set(id, boot);
  }

  /** Hello, welcome and proof, each of which takes its time. */
  #dial(from: Server, target: DialTarget, address: string, mesh: Mesh): void {
    const failed = (failure: DialFailure): void => {
      if (from.mesh === mesh)
        this.feed(from, { type: 'dial-failed', target, failure, error: new CircuitError('unreachable', failure) });
    };
    const to = this.servers.find((server) => server.address === address);
    if (to === undefined || !to.up) {
      failed('refused');
      return;
    }
    if (this.#cuts.has(pairOf(from, to))) {
      failed('silent');
      return;
    }
    const listening = to.mesh;
    const theirPeer: LinkPeer = { id: mesh.self.id, boot: mesh.self.boot, dialledByUs: false };
    const ourPeer: LinkPeer = { id: listening.self.id, boot: listening.self.boot, dialledByUs: true };
    const itself = ourPeer.boot === mesh.self.boot;
    const wanted = listening.wants(theirPeer);
    this.#later(() => {
      const gone = !to.up || to.mesh !== listening || listening.self.id !== ourPeer.id;
      let failure: DialFailure | undefined;
      if (target.type === 'member' && target.id !== ourPeer.id) failure = 'refused';
      else if (itself) failure = target.type === 'seed' ? 'known' : 'refused';
      else if (gone || this.#cuts.has(pairOf(from, to))) failure = 'busy';
      else if (!from.up || from.mesh !== mesh || mesh.self.id !== theirPeer.id) failure = 'busy';
      else if (!mesh.wants(ourPeer)) failure = 'known';
      else if (!wanted) failure = 'busy';
      if (failure !== undefined) {
        failed(failure);
        return;
      }
      const [near, far] = [++this.#counter, ++this.#counter];
      const out: Wire = { queue: [] };
      from.ends.set(near, { to, theirs: far, wire: out });
      to.ends.set(far, { to: from, theirs: near, wire: { queue: [] } });
      this.#wires.add(out);
      out.queue.push(() => {
        if (to.ends.has(far)) this.feed(to, { type: 'linked', link: far, peer: theirPeer });
      });
      this.feed(from, { type: 'linked', link: near, peer: ourPeer, target });
    });
  }

  /** Ends a link; the peer hears of it behind what is on the way, or instead of it when the connection is reset. */
  #end(server: Server, link: number, reset: boolean): void {
    const end = server.ends.get(link);
    if (end === undefined) return;
    server.ends.delete(link);
    if (reset) end.wire.queue.length = 0;
    this.#wires.add(end.wire);
    end.wire.queue.push(() => {
      const back = end.to.ends.get(end.theirs);
      if (back !== undefined) back.wire.queue.length = 0;
      end.to.ends.delete(end.theirs);
      this.feed(end.to, { type: 'lost', link: end.theirs, silentMs: 0 });
    });
  }

  #later(run: () => void): void {
    this.#wires.add({ queue: [run] });
  }

  #mirror(server: Server): void {
    server.seen.clear();
    for (const member of server.mesh.members) server.seen.set(member.id, member.boot);
  }

  #newMesh(id: string, address: string): Mesh {
    return new Mesh(this.#newRecord(id, address), this.nowMs, { maxMembers: 32 });
  }

  #newRecord(id: string, addr: string): MemberRecord {
    return {
      id,
      addr,
      name: '',
      version: '1',
      dc: '',
      labels: {},
      joined: new Date(this.nowMs).toISOString(),
      boot: hex(randomInt(this.#random, 2 ** 32)) + hex(++this.#counter),
      incarnation: 1,
      left: false,
    };
  }

  #newId(): string {
    return `X${hex(randomInt(this.#random, 2 ** 32))}${hex(++this.#counter)}`;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function pairOf(a: Server, b: Server): string {
  return [a.address, b.address].sort().join(' ');
}
