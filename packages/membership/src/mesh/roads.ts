import type { DialFailure } from './events.js';
import type { MeshSettings } from './settings.js';

/** The efforts to reach one address. */
export interface Road {
  dialling: boolean;
  /** When to dial next. */
  dueMs: number;
  /** Failed dials in a row. */
  failures: number;
  /** Refused dials in a row. */
  refusals: number;
  /** Since when nothing at all has answered. */
  silentSinceMs: number;
  /** How often this server called the member dead without having had a link since; each time it waits for twice the proof. */
  verdicts: number;
}

/** A road on which the next dial is due at `dueMs`. */
export function newRoad(dueMs: number, silentSinceMs: number): Road {
  return { dialling: false, dueMs, failures: 0, refusals: 0, silentSinceMs, verdicts: 0 };
}

/** Notes a failed dial towards a living member or a seed and sets the time of the next. */
export function noteFailure(road: Road, failure: DialFailure, nowMs: number, settings: MeshSettings): void {
  road.dialling = false;
  road.dueMs = nowMs + doubled(settings.retryMs, road.failures, settings.maxRetryMs);
  road.failures++;
  road.refusals = failure === 'refused' ? road.refusals + 1 : 0;
  if (failure === 'busy' || failure === 'known') road.silentSinceMs = nowMs;
}

/** Notes a failed dial towards a member that was found dead. */
export function noteStillDead(road: Road, failure: DialFailure, nowMs: number, settings: MeshSettings): void {
  road.dialling = false;
  road.refusals = failure === 'refused' ? road.refusals + 1 : 0;
  road.dueMs = nowMs + doubled(settings.reconnectMs, road.refusals, settings.maxReconnectMs);
}

/**
 * Whether the last failure proves the death of a member. One refused dial does, and silence for `silenceMs`; where others have
 * contradicted such a verdict (they reach a member that we do not), each further one wants twice the proof.
 */
export function provesDeath(road: Road, failure: DialFailure, nowMs: number, settings: MeshSettings): boolean {
  if (failure === 'refused') return road.refusals >= proofsWanted(road);
  // Whoever answers without proving to be the member is no sign of its life.
  if (failure !== 'silent' && failure !== 'denied') return false;
  return leftMs(road, nowMs, settings) <= 0;
}

/** How long a dial of a living member may take: until its silence proves its death, and long enough for an answer. */
export function dialLimitMs(road: Road, nowMs: number, settings: MeshSettings): number {
  return Math.max(leftMs(road, nowMs, settings), settings.answerMs);
}

/** How much silence is still wanted. */
function leftMs(road: Road, nowMs: number, settings: MeshSettings): number {
  return road.silentSinceMs + settings.silenceMs * proofsWanted(road) - nowMs;
}

function proofsWanted(road: Road): number {
  return 2 ** Math.min(road.verdicts, 6);
}

function doubled(firstMs: number, times: number, mostMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(times, 20), mostMs);
}
