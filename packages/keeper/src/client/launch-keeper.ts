import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CircuitError, orAborted, type WaitOptions } from '@circuit/base';
import { makeFolder } from '@circuit/base/node';
import type { KeeperFiles } from '../folder/process-files.js';
import { type KeeperArguments, readyFd } from '../protocol/arguments.js';
import { diskError } from './disk-error.js';

/** A keeper's memory is a price of every running process, and its work is system calls: less memory before speed. */
const frugal = ['--max-semi-space-size=1', '--optimize-for-size'];

/** The keeper program as it was when the set was opened; npm may replace the file under a running daemon. */
export interface KeeperBundle {
  readonly content: Buffer;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** Reads the bundle. Rejects with `invalid` when it cannot be read. */
export async function loadBundle(bundlePath: string): Promise<KeeperBundle> {
  try {
    const content = await readFile(bundlePath);
    return { content, hash: createHash('sha256').update(content).digest('hex') };
  } catch (error) {
    throw new CircuitError('invalid', `keeper bundle ${bundlePath}: ${String(error)}`, { cause: error });
  }
}

export interface LaunchOptions extends WaitOptions {
  readonly files: KeeperFiles;
  readonly bundle: KeeperBundle;
  readonly nodePath: string;
  readonly keeper: Omit<KeeperArguments, 'folder' | 'bundle'>;
}

/**
 * Starts a keeper on its folder and waits until it listens. It is its own session in `/`, keeps nothing of this process
 * but PATH, and outlives it. Rejects with `limit` when the disk is full, `io` and the end of its log when it does not come up.
 */
export async function launchKeeper({ files, bundle, nodePath, keeper, signal }: LaunchOptions): Promise<void> {
  await copyBundle(files, bundle);
  const given: KeeperArguments = { ...keeper, folder: files.folder, bundle: bundle.hash };
  const log = openSync(files.log, 'a', 0o600);
  try {
    const child = spawn(nodePath, [...frugal, files.bundle, JSON.stringify(given)], {
      cwd: '/',
      detached: true,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', log, log, 'pipe'],
    });
    child.unref();
    await orAborted(ready(child, files), signal);
  } finally {
    closeSync(log);
  }
}

async function copyBundle(files: KeeperFiles, bundle: KeeperBundle): Promise<void> {
  const fresh = `${files.bundle}.new`;
  try {
    await makeFolder(files.folder);
    writeFileSync(fresh, bundle.content, { mode: 0o600 });
    renameSync(fresh, files.bundle);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw diskError(error, `begin a keeper: write ${files.bundle}`);
  }
}

function ready(child: ReturnType<typeof spawn>, files: KeeperFiles): Promise<void> {
  const pipe = child.stdio[readyFd] as Readable;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      reject(new CircuitError('io', `keeper in ${files.folder} did not come up: ${why}`, { retryable: true }));
    };
    child.once('error', (error) => fail(error.message));
    pipe.once('data', () => resolve());
    // After 'ready' this has no effect.
    child.once('close', (code, signal) => fail(`${signal ?? `exit ${code}`} ${tail(files.log)}`));
    pipe.on('error', (error) => fail(error.message));
  });
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-1000).trim();
  } catch {
    return 'no log';
  }
}
