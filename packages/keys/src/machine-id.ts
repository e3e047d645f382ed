import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Where Linux keeps the id of a machine; the second is the older place. */
export const machineIdFiles: readonly string[] = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/**
 * A digest of this machine's id, or `undefined` where the system keeps none (macOS, many containers). The id itself is
 * confidential (machine-id(5)), so only an HMAC under our own name ever leaves this function.
 */
export async function readMachineId(files: readonly string[] = machineIdFiles): Promise<string | undefined> {
  for (const file of files) {
    const id = await readId(file);
    if (id !== undefined) return createHmac('sha256', id).update('circuit server identity').digest('hex').slice(0, 32);
  }
  return undefined;
}

/** `undefined` for what is absent, unreadable, or not an id: an image in the making says "uninitialized". */
async function readId(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return /^[0-9a-f]{32}$/i.test(text) && !/^0+$/.test(text) ? text.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}
