import type { WaitOptions } from '@circuit/base';
import { type AtElement, type Cmd, cmdFromJson, orThrow, type ProcState, type SignalName } from '@circuit/protocol';
import { Output } from './output.js';
import { Stdin } from './stdin.js';
import type { Uplink } from './uplink.js';

/** How an element is removed. */
export interface ScrubOptions extends WaitOptions {
  /** Also ends the process group of a process. */
  readonly kill?: boolean;
}

/** A process element. It outlives this handle, this program, and the daemon it was started by. */
export class Proc {
  readonly kind = 'proc';
  readonly path: string;
  /** What it reads. One writer at a time, closed by whoever writes. */
  readonly stdin: Stdin;
  /** What it writes, from its very first byte, with a gap for what is no longer kept; each reading is one of its own. */
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #uplink: Uplink;
  readonly #at: AtElement;

  constructor(uplink: Uplink, path: string, element?: number) {
    this.#uplink = uplink;
    this.path = path;
    this.#at = element === undefined ? { path } : { path, element };
    this.stdin = new Stdin(uplink, this.#at);
    this.stdout = new Output(uplink, this.#at, 'stdout');
    this.stderr = new Output(uplink, this.#at, 'stderr');
  }

  /** Waits for the end of the process, whatever becomes of its streams, and gives its final state. Rejects with `aborted` after a scrub. */
  wait({ signal }: WaitOptions = {}): Promise<ProcState> {
    return this.#uplink.ask('wait', this.path, this.#at, { signal });
  }

  /** Sends it a signal, named without `SIG`. Rejects with `conflict` once it has ended. */
  async signal(name: SignalName, { signal }: WaitOptions = {}): Promise<void> {
    await this.#uplink.ask('signal', this.path, { ...this.#at, signal: name }, { signal });
  }

  /** The environment of the server it runs on, `NAME=VALUE` each. */
  async env({ signal }: WaitOptions = {}): Promise<readonly string[]> {
    return (await this.#uplink.ask('env', this.path, {}, { signal })).env;
  }

  /** The command that started it. */
  async cmd(options: WaitOptions = {}): Promise<Cmd> {
    return orThrow(cmdFromJson((await this.peek(options)).Cmd));
  }

  /** Its state now. */
  async peek({ signal }: WaitOptions = {}): Promise<ProcState> {
    return (await this.#uplink.ask('peek', this.path, this.#at, { signal })).state as ProcState;
  }

  /** Removes the element; the process goes on, unless `kill` ends its group. */
  async scrub({ kill, signal }: ScrubOptions = {}): Promise<void> {
    await this.#uplink.ask('scrub', this.path, { ...this.#at, ...(kill === true ? { kill } : {}) }, { signal });
  }
}
