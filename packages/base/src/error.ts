/**
 * The one error class of circuit and its table of codes.
 *
 * A code says what the caller can do; `detail` narrows it for a program, the message says what, where and with which
 * value for a person. `docs/errors.md` lists every code with its cause and remedy.
 */

const brand: unique symbol = Symbol.for('circuit.error');

/** Every code an operation of circuit can fail with; at most twenty. */
export const errorCodes = [
  'invalid',
  'not-found',
  'denied',
  'conflict',
  'gone',
  'closed',
  'aborted',
  'cancelled',
  'timeout',
  'unreachable',
  'peer-gone',
  'outcome-unknown',
  'undelivered',
  'limit',
  'protocol',
  'unsupported',
  'cannot-start',
  'gap',
  'io',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What accompanies the code and the message of a {@link CircuitError}. */
export interface ErrorOptions {
  /** The error that led to this one; stays in the process. */
  readonly cause?: unknown;
  /** A machine-readable narrowing of the code, such as `ENOENT` or `wrong-kind`. */
  readonly detail?: string | undefined;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable?: boolean;
}

/** How an error crosses a process border: no stack, no cause. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail?: string;
  readonly retryable?: boolean;
}

/** The error of every circuit operation. Recognise it by {@link isCircuitError}, which also works across copies of this package. */
export class CircuitError extends Error {
  override readonly name = 'CircuitError';
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.retryable = options.retryable ?? false;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The error that a record from another process describes; an unknown code becomes `internal`. */
  static fromRecord(record: unknown): CircuitError {
    if (typeof record !== 'object' || record === null) return new CircuitError('internal', 'malformed error record');
    const { code, message, detail, retryable } = record as Record<string, unknown>;
    return new CircuitError(
      isErrorCode(code) ? code : 'internal',
      typeof message === 'string' ? message : 'no message',
      { detail: typeof detail === 'string' ? detail : undefined, retryable: retryable === true },
    );
  }
}

/** Whether `value` is one of the codes of {@link errorCodes}. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(value);
}

/** Whether `error` is a {@link CircuitError}, and of the given code if one is named. */
export function isCircuitError(error: unknown, code?: ErrorCode): error is CircuitError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (code === undefined || (error as CircuitError).code === code)
  );
}

/** `error` itself if it is a {@link CircuitError}, else one of code `code` with it as the cause. */
export function toCircuitError(error: unknown, code: ErrorCode = 'internal'): CircuitError {
  if (isCircuitError(error)) return error;
  let text = 'error without text';
  try {
    text = String(error instanceof Error ? error.message : error);
  } catch {
    // Anything can be thrown.
  }
  return new CircuitError(code, text, { cause: error });
}

/** The form of an error that crosses a process border. */
export function errorRecord({ code, message, detail, retryable }: CircuitError): ErrorRecord {
  return {
    code,
    message,
    ...(detail === undefined ? {} : { detail }),
    ...(retryable ? { retryable } : {}),
  };
}
