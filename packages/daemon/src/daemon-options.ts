import type { Clock, Logger } from '@circuit/base';
import type { Key } from '@circuit/keys';
import type { Member } from '@circuit/protocol';
import type { DaemonLimits } from './limits.js';
import type { HostPort } from './own-address.js';
import type { Surroundings } from './state/places.js';

export interface DaemonOptions {
  /** Where to listen; port 0 takes a free one. */
  readonly addr: HostPort;
  /** The address to tell others when it is not the one listened on. */
  readonly advertise?: HostPort | undefined;
  /** The full key that every connection must prove; `insecure` lets everybody in and encrypts nothing. */
  readonly security: { readonly key: Key } | 'insecure';
  /** The state folder; absent: the first default one that no other daemon uses. */
  readonly stateFolder?: string | undefined;
  /** The bundled keeper. */
  readonly keeperBundlePath: string;
  /** How much output of processes is kept on disk in all; absent: a tenth of the disk of the state folder. */
  readonly keep?: Keep | undefined;
  /** Servers whose cluster to merge with; tried again while they do not answer. Those known from the last run come on top. */
  readonly join?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly dc?: string | undefined;
  readonly version?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly limits?: Partial<DaemonLimits> | undefined;
  /** Where default folders lie; this process's own surroundings when absent. */
  readonly surroundings?: Surroundings | undefined;
}

/** An amount of disk: bytes, or a share (0 to 1) of the disk where they lie. */
export type Keep = { readonly bytes: number } | { readonly share: number };

/** A running server. */
export interface Daemon {
  /** As of now: it changes when another living server turns out to have had it first. */
  readonly id: string;
  /** `circuit://HOST:PORT/PID/Q…`, where others reach it. */
  readonly address: string;
  /** The Unix socket on which local clients need no key. */
  readonly socketPath: string;
  readonly stateFolder: string;
  /** The living servers as this one sees them. */
  members(): readonly Member[];
  /** Resolves when the daemon has ended, by `close` or by `suicide`. */
  readonly closed: Promise<void>;
  /** Leaves the cluster and ends; processes go on unless `kill`. Idempotent: a later `kill` counts while the end is under way. */
  close(options?: { readonly kill?: boolean }): Promise<void>;
}
