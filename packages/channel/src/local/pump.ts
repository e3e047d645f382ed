import { type CircuitError, toCircuitError } from '@circuit/base';
import { abandonMessage } from './abandon.js';
import { loss } from './loss.js';
import type { Passed, RawReader, RawReceiver, RawSender, RawWriter } from './raw.js';
import { spliceBytes } from './splice-bytes.js';

/**
 * Moves everything from `from` to `to` until the end, and the end with it: close to close, abort to abort, cancel to
 * cancel, acknowledgements back. Ends inside the values and their return channels go along. Never rejects.
 */
export async function pumpMessages(from: RawReceiver, to: RawSender): Promise<void> {
  let failure: CircuitError | undefined;
  let underWay = 0;
  let inDoubt = false;
  // An acknowledgement that came in front of the failure goes back in front of it, and what is in doubt stays so.
  const cancel = (): void => {
    if (failure !== undefined && underWay === 0) from.cancelNow(inDoubt ? loss(failure) : failure);
  };
  const fail = (error: unknown): void => {
    if (failure === undefined) to.abortNow((failure = toCircuitError(error)));
    cancel();
  };
  const give = (message: Passed, handedOn: () => void): Promise<void> => {
    const { value, ret, settle } = message;
    underWay++;
    return to.sendNow(value, { returnTo: ret, acknowledged: settle !== undefined, handedOn }).then(
      () => {
        underWay--;
        settle?.();
        cancel();
      },
      (error: unknown) => {
        const reason = toCircuitError(error);
        underWay--;
        refuse(message, reason);
        // Why it is not known says the end of `to`.
        if (reason.code === 'outcome-unknown') inDoubt = true;
        else fail(reason);
        cancel();
      },
    );
  };
  to.closed.catch(fail);
  from.relay();
  let sent: Promise<void> | undefined;
  try {
    for (;;) {
      const message = await from.receiveNow({});
      if (message.done) break;
      if (failure !== undefined) {
        refuse(message, failure);
        return;
      }
      // Who asked for an acknowledgement waits for it itself; what is behind its message waits for room alone.
      await new Promise<void>((resolve) => void (sent = give(message, resolve)).then(resolve));
    }
    to.closeNow();
    await to.closed;
    // The last acknowledgement goes back in front of the end.
    await sent;
    from.relayDone();
  } catch (error) {
    fail(error);
  }
}

function refuse(message: Passed, reason: CircuitError): void {
  abandonMessage(message, reason);
  message.settle?.(reason);
}

/**
 * {@link pumpMessages} for byte streams, without a promise for each chunk where both ends can do so; an error of the application's own
 * stream arrives as `aborted`.
 */
export async function pumpBytes(from: RawReader, to: RawWriter): Promise<void> {
  if (spliceBytes(from, to)) return;
  const fail = failing(from, to);
  from.relay?.();
  try {
    for (;;) {
      const chunk = await from.readNow({});
      if (chunk === undefined) break;
      await to.writeNow(chunk);
    }
    to.closeNow();
    await to.closed;
    from.relayDone?.();
  } catch (error) {
    fail(error);
  }
}

/** Ends both with what either fails with. */
function failing(from: RawReader, to: RawWriter): (error: unknown) => void {
  const fail = (error: unknown): void => {
    const reason = toCircuitError(error, 'aborted');
    to.abortNow(reason);
    from.cancelNow(reason);
  };
  to.closed.catch(fail);
  return fail;
}
