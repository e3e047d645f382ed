import type { TestCluster } from '../src/testing.js';
import { begin, circuit, type Ended, type Running } from './command.js';

/** The command with the address and key of a cluster, as an operator would have set them. */
export class Shell {
  readonly #cluster: TestCluster;
  readonly #server: number;

  constructor(cluster: TestCluster, server = 0) {
    this.#cluster = cluster;
    this.#server = server;
  }

  begin(verb: string, ...argv: readonly string[]): Running {
    return begin([verb, ...this.#options(), ...argv]);
  }

  run(verb: string, ...argv: readonly string[]): Promise<Ended> {
    return circuit([verb, ...this.#options(), ...argv]);
  }

  feed(input: string, verb: string, ...argv: readonly string[]): Promise<Ended> {
    return circuit([verb, ...this.#options(), ...argv], input);
  }

  #options(): string[] {
    return ['-d', this.#cluster.addresses[this.#server] ?? '', '-hmac', this.#cluster.keyFile];
  }
}

/** The description of a shell script as a process. */
export function script(text: string): string {
  return JSON.stringify({ Path: '/bin/sh', Args: ['-c', text] });
}
