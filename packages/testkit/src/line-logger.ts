import type { Logger } from '@circuit/base';

/** A logger that keeps warnings and errors as lines, with their fields as JSON. */
export function lineLogger(lines: string[]): Logger {
  const say = (message: string, fields?: unknown): void => {
    lines.push(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`);
  };
  const logger: Logger = { debug() {}, info() {}, warn: say, error: say, with: () => logger };
  return logger;
}
