/** The times and bounds of the mesh. */
export interface MeshSettings {
  /** Living members, this server included; a join that would exceed it is refused. */
  readonly maxMembers: number;
  /** Records kept, those of the dead included; the oldest dead one goes first. */
  readonly maxRecords: number;
  /** Pause after the first failed dial of a living member or of an address to join; doubles up to `maxRetryMs`. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** How often a peer is given a sign of life, and looked after for one. */
  readonly beatMs: number;
  /** After how many beats without a byte from the peer a link is given up. */
  readonly silentBeats: number;
  /** How long a member may have been silent, on its link and at dials, before it is called dead. */
  readonly silenceMs: number;
  /** The least time that a dialled member has to answer. */
  readonly answerMs: number;
  /** How often a dead member is tried again; where a dial is refused the pause doubles up to `maxReconnectMs`. */
  readonly reconnectMs: number;
  readonly maxReconnectMs: number;
  /** For how long a dead member is tried again, and its record kept. */
  readonly tombstoneMs: number;
}

export const defaultSettings: MeshSettings = {
  maxMembers: 8,
  maxRecords: 64,
  retryMs: 250,
  maxRetryMs: 5000,
  beatMs: 1000,
  silentBeats: 6,
  silenceMs: 6000,
  answerMs: 1500,
  reconnectMs: 5000,
  maxReconnectMs: 60_000,
  tombstoneMs: 86_400_000,
};
