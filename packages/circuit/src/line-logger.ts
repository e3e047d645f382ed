import type { LogFields, Logger } from '@circuit/base';

/** A logger of lines: `warn: what happened {"field":"value"}`. Without `verbose` only warnings and errors are written. */
export function lineLogger(write: (line: string) => void, verbose: boolean, fixed: LogFields = {}): Logger {
  const log =
    (level: string, wanted: boolean) =>
    (message: string, fields: LogFields = {}): void => {
      if (!wanted) return;
      const all = { ...fixed, ...fields };
      write(`circuit: ${level}: ${message}${Object.keys(all).length === 0 ? '' : ` ${JSON.stringify(all)}`}`);
    };
  return {
    debug: log('debug', verbose),
    info: log('info', verbose),
    warn: log('warning', true),
    error: log('error', true),
    with: (fields) => lineLogger(write, verbose, { ...fixed, ...fields }),
  };
}
