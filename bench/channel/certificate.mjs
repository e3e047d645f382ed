import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for 127.0.0.1 that nobody but itself vouches for, and its key, in PEM; by openssl. */
export function selfSigned() {
  const folder = mkdtempSync(join(tmpdir(), 'cbench-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((file) => join(folder, file));
  try {
    const made =
      '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench -addext subjectAltName=IP:127.0.0.1';
    execFileSync('openssl', ['req', '-x509', ...made.split(' '), '-keyout', key, '-out', cert], { stdio: 'pipe' });
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
