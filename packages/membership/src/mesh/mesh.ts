import { CircuitError } from '@circuit/base';
import { compareRecords, isLater, type MemberRecord, memberOf } from '../record.js';
import type { Member } from '../types.js';
import type { DialFailure, DialTarget, Effect, Entry, LinkPeer, MeshEvent } from './events.js';
import { type Link, Links } from './links.js';
import { dialLimitMs, newRoad, noteFailure, noteStillDead, provesDeath, type Road } from './roads.js';
import { type MeshSettings, defaultSettings } from './settings.js';
import { isAlive, type Known, Table } from './table.js';
import { View } from './view.js';

interface Seed {
  readonly address: string;
  readonly road: Road;
}

/**
 * The mesh as a pure state machine: every living member has one link to every other.
 *
 *     unknown ─record heard─▶ alive, no link ─dial, or its dial─▶ alive, linked ─link lost─▶ alive, no link
 *     alive, linked ─lost, or silent─▶ alive, no link ─dial refused | silence | said dead by another─▶ dead ─tried again: linked, contradicts─▶ alive
 *     alive, linked ─said dead by another─▶ stays, is told so, contradicts (else: dead once the link is lost)
 *     any ─its own word─▶ left
 *
 * Everything is told on as soon as it is news, and all that is known when a link is made; see DESIGN.md for why views
 * converge. Feed it with `step`; between steps it waits for nothing but `nextDueMs`.
 */
export class Mesh {
  readonly #settings: MeshSettings;
  readonly #table: Table;
  readonly #view: View;
  readonly #links = new Links();
  readonly #roads = new Map<string, Road>();
  readonly #seeds = new Map<number, Seed>();
  /** Members that others call dead while our link to them stands: id → the record that is meant. */
  readonly #claims = new Map<string, MemberRecord>();
  /** What is news in this step: id → the link it came by. */
  readonly #news = new Map<string, number | undefined>();
  #self: MemberRecord;
  /** The earlier holder of the own key, from its discovery until `renamed`. */
  #twin: Entry | undefined;
  /** The link whose peer spoke for the first time in this step. */
  #fresh: Link | undefined;
  #effects: Effect[] = [];
  #nowMs = 0;

  constructor(self: MemberRecord, nowMs: number, settings: Partial<MeshSettings> = {}) {
    this.#settings = { ...defaultSettings, ...settings };
    this.#table = new Table(this.#settings);
    this.#view = new View();
    this.#self = self;
    this.#table.absorb({ record: self, dead: false }, nowMs);
    this.#view.show(self.id, this.#table.get(self.id), false);
  }

  get self(): MemberRecord {
    return this.#self;
  }

  get members(): readonly Member[] {
    return this.#view.members;
  }

  /** The link to the living member `id`. */
  linkTo(id: string): number | undefined {
    const known = this.#table.get(id);
    return known === undefined || !isAlive(known) ? undefined : this.#links.findReady(id, known.record.boot)?.number;
  }

  /** When `tick` is due next, if ever. */
  get nextDueMs(): number | undefined {
    let next: number | undefined;
    const look = (road: Road): void => {
      if (!road.dialling && road.dueMs < (next ?? Number.POSITIVE_INFINITY)) next = road.dueMs;
    };
    for (const { road } of this.#seeds.values()) look(road);
    for (const road of this.#roads.values()) look(road);
    return next;
  }

  /**
   * Whether a link with this peer would be kept. The dialler asks before it proves itself, the listener when it is greeted. Of
   * two dials that cross, that of the server with the smaller id is kept.
   */
  wants(peer: LinkPeer): boolean {
    if (this.#self.left || this.#twin !== undefined || this.#isSelf(peer)) return false;
    const link = this.#links.find(peer.id, peer.boot);
    if (peer.dialledByUs) return link === undefined;
    if (!this.#precedes(peer)) return true;
    // The same dialler again: it has given the older one up.
    if (link !== undefined) return !link.dialledByUs;
    return this.#roads.get(peer.id)?.dialling !== true;
  }

  /** Takes one event at `nowMs`, which never goes back; answers with what is to be done. */
  step(event: MeshEvent, nowMs: number): readonly Effect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    this.#fresh = undefined;
    this.#take(event);
    if (!this.#self.left) this.#travel();
    this.#spread();
    return this.#effects;
  }

  #take(event: MeshEvent): void {
    switch (event.type) {
      case 'join':
        this.#seeds.set(event.seed, { address: event.address, road: newRoad(this.#nowMs, this.#nowMs) });
        return;
      case 'forget':
        this.#seeds.delete(event.seed);
        return;
      case 'linked':
        this.#linked(event.link, event.peer, event.target);
        return;
      case 'heard':
        this.#heard(event.link, event.entries);
        return;
      case 'lost':
        this.#lost(event.link, event.silentMs);
        return;
      case 'dial-failed':
        this.#dialFailed(event.target, event.failure, event.error);
        return;
      case 'announce':
        this.#publish(event.changes);
        return;
      case 'renamed':
        this.#rename(event.self);
        return;
      case 'leave':
        this.#seeds.clear();
        this.#roads.clear();
        this.#publish({ left: true });
        return;
      case 'tick':
        this.#table.expire(this.#nowMs);
        return;
    }
  }

  #linked(number: number, peer: LinkPeer, target: DialTarget | undefined): void {
    const road = target?.type === 'member' ? this.#roads.get(target.id) : undefined;
    if (road !== undefined) road.dialling = false;
    const older = this.#links.find(peer.id, peer.boot);
    const seeds = target?.type === 'seed' ? [target.seed] : [];
    // Both servers agree which of two links goes, because they agree who dialled it.
    if (older !== undefined && older.dialledByUs !== peer.dialledByUs && older.dialledByUs === this.#precedes(peer)) {
      this.#effects.push({ type: 'hang-up', link: number, reason: duplicate(peer.id), gently: false });
      for (const seed of seeds) {
        if (this.#hasTwin) this.#noteSeed(seed, 'busy');
        else this.#seedDone(seed, false);
      }
      return;
    }
    if (older !== undefined) this.#hangUp(older, duplicate(peer.id));
    this.#links.add({ ...peer, number, ready: false, seeds: [...seeds, ...(older?.seeds ?? [])] });
    this.#tell(number, [...this.#table.all()]);
  }

  #heard(number: number, entries: readonly Entry[]): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    const first = !link.ready;
    if (first && !this.#fits(link, entries)) return;
    const wasMember = this.#view.has(link.id);
    if (first) this.#fresh = link;
    link.ready = true;
    const road = this.#roads.get(link.id);
    if (road?.dialling === false) this.#roads.delete(link.id);
    else if (road !== undefined) road.verdicts = 0;
    for (const entry of entries) this.#absorb(entry, link);
    if (!first) return;
    this.#effects.push({ type: 'ready', link: number });
    // A twin is no member yet: one of us takes another id and ends this link, and the address is dialled again.
    if (link.id === this.#self.id) return;
    for (const seed of link.seeds) this.#seedDone(seed, !wasMember);
  }

  /** Refuses to grow beyond what the mesh can bear; both sides count the same tables, so both refuse. */
  #fits(link: Link, entries: readonly Entry[]): boolean {
    const most = this.#settings.maxMembers;
    const count = this.#table.countWith(entries);
    if (count <= most || count <= this.members.length) return true;
    const error = new CircuitError('limit', `join with ${link.id}: ${count} servers together, the mesh holds ${most}`);
    this.#hangUp(link, error);
    for (const seed of link.seeds) this.#seedFailed(seed, error);
    return false;
  }

  #absorb(entry: Entry, from: Link): void {
    const { record } = entry;
    if (record.id === this.#self.id) {
      this.#aboutSelf(entry);
      return;
    }
    const claimed = this.#claims.get(record.id);
    if (claimed !== undefined && compareRecords(record, claimed) > 0) this.#claims.delete(record.id);
    const link = entry.dead ? this.#links.findReady(record.id, record.boot) : undefined;
    if (link !== undefined && compareRecords(record, this.#table.get(record.id)?.record ?? record) >= 0) {
      // We still hear the one that is called dead: let it speak for itself before anybody is told.
      this.#claims.set(record.id, record);
      this.#tell(link.number, [entry]);
      this.#learn({ ...entry, dead: false }, from.number);
      return;
    }
    this.#learn(entry, from.number);
  }

  /** Somebody speaks about this server: it contradicts what is not its own, or yields to an earlier twin. */
  #aboutSelf({ record, dead, sealed }: Entry): void {
    if (this.#twin !== undefined || this.#self.left) return;
    if (record.boot === this.#self.boot) {
      if (dead || record.left) this.#contradict(record);
      return;
    }
    const provenAlive = record.rival === this.#self.boot && !dead && !record.left;
    if (provenAlive && isLater(this.#self, record)) {
      this.#twin = { record, dead, ...(sealed === undefined ? {} : { sealed }) };
      this.#effects.push({ type: 'twin', twin: memberOf(record) });
    } else this.#contradict(record, record.boot);
  }

  #contradict(record: MemberRecord, rival?: string): void {
    if (compareRecords(record, this.#self) < 0) return;
    this.#publish({ incarnation: record.incarnation + 1, ...(rival === undefined ? {} : { rival }) });
  }

  /** Makes a new own record. */
  #publish(changes: Partial<MemberRecord>): void {
    this.#self = { ...this.#self, incarnation: this.#self.incarnation + 1, ...changes };
    this.#learn({ record: this.#self, dead: false }, undefined);
  }

  #lost(number: number, silentMs: number): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    this.#links.remove(number);
    for (const seed of link.seeds) this.#noteSeed(seed, 'busy');
    if (!link.ready) return;
    const known = this.#table.get(link.id);
    if (known === undefined || !isAlive(known) || known.record.boot !== link.boot) return;
    if (this.#claims.has(link.id)) this.#declareDead(known);
    else this.#lookFor(link.id, this.#nowMs - silentMs);
  }

  /** A living member has no link any more and was last heard at `heardMs`. */
  #lookFor(id: string, heardMs: number): void {
    const road = this.#roads.get(id) ?? newRoad(this.#nowMs, heardMs);
    road.silentSinceMs = heardMs;
    this.#roads.set(id, road);
  }

  #dialFailed(target: DialTarget, failure: DialFailure, error: CircuitError): void {
    if (target.type === 'seed') {
      if (failure === 'known' && !this.#hasTwin) this.#seedDone(target.seed, false);
      else if (failure === 'denied') this.#seedFailed(target.seed, error);
      else this.#noteSeed(target.seed, failure === 'known' ? 'busy' : failure);
      return;
    }
    const road = this.#roads.get(target.id);
    const known = this.#table.get(target.id);
    if (road === undefined || known === undefined) return;
    if (!isAlive(known)) {
      noteStillDead(road, failure, this.#nowMs, this.#settings);
      return;
    }
    noteFailure(road, failure, this.#nowMs, this.#settings);
    if (this.#links.find(target.id, known.record.boot) !== undefined) return;
    if (provesDeath(road, failure, this.#nowMs, this.#settings)) {
      road.verdicts++;
      this.#declareDead(known);
    }
  }

  #declareDead(known: Known): void {
    this.#claims.delete(known.record.id);
    this.#learn({ ...known, dead: true }, undefined);
  }

  /** Another server was here first: this one drops all that it was and goes on as a newcomer that knows the others. */
  #rename(self: MemberRecord): void {
    const twin = this.#twin;
    this.#twin = undefined;
    const reason = new CircuitError('conflict', `${this.#self.id} has another server, this one is now ${self.id}`);
    for (const link of this.#links.all()) {
      // Who knows nobody but this server must hear where it is to be found now.
      this.#tell(link.number, [{ record: self, dead: false }]);
      this.#hangUp(link, reason, true);
      for (const seed of link.seeds) this.#noteSeed(seed, 'busy');
    }
    this.#roads.clear();
    this.#claims.clear();
    this.#self = self;
    if (twin !== undefined) this.#table.overwrite(twin, this.#nowMs);
    this.#table.absorb({ record: self, dead: false }, this.#nowMs);
    this.#news.clear();
    this.#view.replace(this.#table.all());
    this.#effects.push({ type: 'view', event: { type: 'snapshot', members: this.#view.members } });
  }

  #learn(entry: Entry, from: number | undefined): void {
    const { id } = entry.record;
    const before = this.#table.get(id);
    const wasAlive = before !== undefined && isAlive(before);
    if (!this.#table.absorb(entry, this.#nowMs)) return;
    this.#news.set(id, from);
    if (id === this.#self.id) return;
    const road = this.#roads.get(id);
    if (entry.record.left) this.#roads.delete(id);
    else if (wasAlive !== isAlive(entry) && road !== undefined) {
      // The other cadence holds from now on, and silence counts anew.
      const firstMs = isAlive(entry) ? 0 : this.#settings.reconnectMs;
      Object.assign(road, {
        ...newRoad(this.#nowMs + firstMs, this.#nowMs),
        dialling: road.dialling,
        verdicts: road.verdicts,
      });
    }
  }

  /** Begins the dials that are due: to addresses to join, to members without a link, to the dead in hope. */
  #travel(): void {
    for (const [seed, { address, road }] of this.#seeds) {
      this.#dialWhenDue(road, { type: 'seed', seed }, address);
    }
    for (const known of this.#table.all()) {
      const { record } = known;
      if (record.id === this.#self.id || record.left) continue;
      const road = this.#roadTo(known);
      const limitMs = road !== undefined && isAlive(known) ? dialLimitMs(road, this.#nowMs, this.#settings) : undefined;
      if (road !== undefined) this.#dialWhenDue(road, { type: 'member', id: record.id }, record.addr, limitMs);
    }
  }

  /** The road to a member that is to be reached; `undefined` for one that is linked or was given up. */
  #roadTo(known: Known): Road | undefined {
    const { record } = known;
    const alive = isAlive(known);
    let road = this.#roads.get(record.id);
    if (this.#links.find(record.id, alive ? record.boot : undefined) !== undefined) {
      // Rests: should the link end before it is of use, the next dial is not made at once.
      if (road?.dialling === false) road.dueMs = Number.POSITIVE_INFINITY;
      return undefined;
    }
    if (!alive && this.#nowMs - known.sinceMs >= this.#settings.tombstoneMs) {
      this.#roads.delete(record.id);
      return undefined;
    }
    if (road === undefined) {
      road = newRoad(this.#nowMs + (alive ? 0 : this.#settings.reconnectMs), this.#nowMs);
      this.#roads.set(record.id, road);
    } else if (!road.dialling && road.dueMs === Number.POSITIVE_INFINITY) {
      const note = alive ? noteFailure : noteStillDead;
      note(road, 'busy', this.#nowMs, this.#settings);
    }
    return road;
  }

  #dialWhenDue(road: Road, target: DialTarget, address: string, limitMs?: number): void {
    if (road.dialling || road.dueMs > this.#nowMs) return;
    road.dialling = true;
    this.#effects.push({ type: 'dial', target, address, ...(limitMs === undefined ? {} : { limitMs }) });
  }

  #noteSeed(number: number, failure: DialFailure): void {
    const seed = this.#seeds.get(number);
    if (seed !== undefined) noteFailure(seed.road, failure, this.#nowMs, this.#settings);
  }

  /** Tells the watchers and all links what is news, each link save the one it came by. */
  #spread(): void {
    for (const [id] of this.#news) {
      const known = this.#table.get(id);
      for (const event of this.#view.show(id, known, this.#isTwinned(id, known))) {
        this.#effects.push({ type: 'view', event });
      }
    }
    for (const { number } of this.#links.all()) {
      const entries = [...this.#news].flatMap(([id, from]) => (from === number ? [] : (this.#table.get(id) ?? [])));
      if (entries.length > 0) this.#tell(number, entries);
    }
    this.#news.clear();
  }

  /** Whether a change of boot is a twin's doing: the server shown till now is linked still, or the other one was before. */
  #isTwinned(id: string, known: Known | undefined): boolean {
    const boots = [this.#view.get(id)?.boot, known?.record.boot];
    return boots.some((boot) => {
      const link = boot === undefined ? undefined : this.#links.findReady(id, boot);
      return link !== undefined && link !== this.#fresh;
    });
  }

  #tell(link: number, entries: readonly Entry[]): void {
    this.#effects.push({ type: 'tell', link, entries });
  }

  #hangUp(link: Link, reason: CircuitError, gently = false): void {
    this.#effects.push({ type: 'hang-up', link: link.number, reason, gently });
    this.#links.remove(link.number);
  }

  #seedDone(seed: number, changed: boolean): void {
    if (!this.#seeds.delete(seed)) return;
    const members = [...this.#table.all()].filter(isAlive).length;
    this.#effects.push({ type: 'seed-done', seed, result: { changed, members } });
  }

  #seedFailed(seed: number, error: CircuitError): void {
    if (this.#seeds.delete(seed)) this.#effects.push({ type: 'seed-failed', seed, error });
  }

  /** Whose dial is kept when two cross: that of the smaller id; the boot decides between twins. */
  #precedes(peer: LinkPeer): boolean {
    return this.#self.id === peer.id ? this.#self.boot < peer.boot : this.#self.id < peer.id;
  }

  /** Whether another holder of the own key is linked, or this server is about to change its id. */
  get #hasTwin(): boolean {
    return this.#twin !== undefined || this.#links.find(this.#self.id) !== undefined;
  }

  #isSelf(peer: LinkPeer): boolean {
    return peer.id === this.#self.id && peer.boot === this.#self.boot;
  }
}

function duplicate(id: string): CircuitError {
  return new CircuitError('conflict', `a link with ${id} stands already`, { detail: 'duplicate-link' });
}
