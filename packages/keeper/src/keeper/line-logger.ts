import { writeSync } from 'node:fs';
import type { Clock, LogFields, Logger } from '@circuit/base';

const stderrFd = 2;

/** Bytes after which the keeper's log says no more: nobody rotates it. */
const maxLogBytes = 1_048_576;

/** One JSON line per warning or error on stderr, which is the keeper's log file; never throws. */
export function lineLogger(clock: Clock, fields: LogFields = {}): Logger {
  let written = 0;
  const say =
    (level: string) =>
    (message: string, more: LogFields = {}): void => {
      if (written > maxLogBytes) return;
      const line = `${JSON.stringify({ at: new Date(clock.wall()).toISOString(), level, message, ...fields, ...more })}\n`;
      written += line.length;
      try {
        writeSync(stderrFd, line);
      } catch {
        // A full disk must not end the keeper.
      }
    };
  return {
    debug: nothing,
    info: nothing,
    warn: say('warn'),
    error: say('error'),
    with: (more) => lineLogger(clock, { ...fields, ...more }),
  };
}

function nothing(): void {}
