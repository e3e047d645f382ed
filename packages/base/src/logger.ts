/** Facts that go with a log line; values are printed as JSON, secrets never belong here. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a component says what it does. An implementation never throws and never blocks. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
  with: () => silentLogger,
};

function drop(): void {}
