import { CircuitError } from '@circuit/base';
import { isProcessId, type StartOrder, validateRequest } from '../protocol/messages.js';
import type { StartSpec } from './types.js';

const defaultKeepBytes = 1_073_741_824;
const leastKeepBytes = 65_536;
const defaultWindowBytes = 4_194_304;

/**
 * The spec with every default filled in. Throws `invalid`, naming what is wrong. No process gets more than `keepTotalBytes`: its segments, of
 * which only whole ones can go, are measured by its own bound.
 */
export function orderOf(id: string, spec: StartSpec, keepTotalBytes: number): StartOrder {
  if (!isProcessId(id))
    throw new CircuitError('invalid', `process id ${JSON.stringify(id)}: 1 to 64 of A-Z a-z 0-9 _ -`);
  const order: StartOrder = {
    path: spec.path,
    args: spec.args ?? [],
    env: spec.env ?? ownEnvironment(),
    searchPath: process.env.PATH ?? '/usr/bin:/bin',
    cwd: spec.cwd ?? '/',
    mode: spec.mode ?? 'log',
    keepBytes: Math.min(spec.keepBytes ?? defaultKeepBytes, Math.max(keepTotalBytes, leastKeepBytes)),
    windowBytes: spec.windowBytes ?? defaultWindowBytes,
    stdin: spec.stdin ?? 'open',
  };
  const validated = validateRequest({ id: 1, verb: 'start', process: id, order });
  if (!validated.ok) throw new CircuitError('invalid', validated.reason);
  return order;
}

function ownEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  return environment;
}
