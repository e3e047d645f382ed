import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate and its key, in PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  readonly cert: string;
  /** A certificate for this machine's loopback; `days` below 0: it has expired. */
  issue(name: string, days?: number): Promise<Issued>;
  remove(): Promise<void>;
}

const run = promisify(execFile);
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of the test's own, by openssl. */
export async function makeAuthority(name = 'authority'): Promise<CertificateAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'channel-ca-'));
  const at = (file: string): string => join(folder, file);
  const openssl = (...words: string[]): Promise<unknown> => run('openssl', words, { cwd: folder });
  await openssl('req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`, '-keyout', 'ca.key', '-out', 'ca.pem');
  return {
    cert: await readFile(at('ca.pem'), 'utf8'),
    async issue(subject, days = 2) {
      const alternative = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
      const [key, request, cert] = [`${subject}.key`, `${subject}.csr`, `${subject}.pem`];
      const who = ['-subj', `/O=acme/CN=${subject}`, '-addext', alternative];
      await openssl('req', ...newKey, ...who, '-keyout', key, '-out', request);
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copyall'];
      await openssl('x509', '-req', '-in', request, ...signing, '-days', String(days), '-out', cert);
      return { cert: await readFile(at(cert), 'utf8'), key: await readFile(at(key), 'utf8') };
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

interface Certificates {
  readonly authority: CertificateAuthority;
  readonly server: Issued;
  readonly worker: Issued;
}

let made: Promise<Certificates> | undefined;

/** One set for all tests of a file: to make it takes as long as many of them. */
export function certificates(): Promise<Certificates> {
  made ??= (async () => {
    const authority = await makeAuthority();
    const [server, worker] = [await authority.issue('server'), await authority.issue('worker')];
    await authority.remove();
    return { authority, server, worker };
  })();
  return made;
}
