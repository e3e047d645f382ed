import {
  identityFileName,
  loadIdentity,
  readMachineId,
  renewIdentity,
  ServerIdentity,
  serverIdOf,
  verify,
} from '@circuit/keys';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { testFolder } from './folder.js';

const here = { machineId: () => Promise.resolve('here') };
const there = { machineId: () => Promise.resolve('there') };
const nowhere = { machineId: () => Promise.resolve(undefined) };

test('the public key is that of RFC 8032, section 7.1, test 1, and the id its SHA-256', () => {
  const identity = new ServerIdentity(
    Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'),
  );
  const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  expect(Buffer.from(identity.publicKey).toString('hex')).toBe(publicKey);
  const digest = createHash('sha256').update(Buffer.from(publicKey, 'hex')).digest('hex');
  expect(identity.id).toBe(`X${digest.slice(0, 16)}`);
  expect(serverIdOf(identity.publicKey)).toBe(identity.id);
});

test('a signature holds for its bytes, its context and its key, and for nothing else', () => {
  const identity = ServerIdentity.generate();
  const other = ServerIdentity.generate();
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array({ minLength: 1 }), (bytes, more) => {
      const signature = identity.sign('member', bytes);
      expect(verify(identity.publicKey, 'member', bytes, signature)).toBe(true);
      expect(verify(identity.publicKey, 'session', bytes, signature)).toBe(false);
      expect(verify(other.publicKey, 'member', bytes, signature)).toBe(false);
      expect(verify(identity.publicKey, 'member', Buffer.concat([bytes, more]), signature)).toBe(false);
    }),
    { numRuns: 50 },
  );
});

test('malformed keys and signatures are false, never thrown', () => {
  const { publicKey } = ServerIdentity.generate();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (a, b) => {
      expect(verify(a, 'member', b, new Uint8Array(64))).toBe(false);
      expect(verify(publicKey, 'member', b, a)).toBe(false);
    }),
  );
});

test('a context cannot be stretched into the bytes', () => {
  expect(() => ServerIdentity.generate().sign('a\0b', new Uint8Array())).toThrow(/holds NUL/);
});

test('the seed shows in no text about the identity', () => {
  const identity = ServerIdentity.generate();
  const seed = Buffer.from(identity.seed());
  for (const said of [String(identity), JSON.stringify(identity), inspect(identity, { showHidden: true, depth: 9 })]) {
    expect(said).not.toContain(seed.toString('hex').slice(0, 12));
    expect(said).not.toContain([...seed.subarray(0, 4)].join(', '));
  }
});

test('the first start makes an identity with a reason, later ones keep it', async () => {
  const folder = await testFolder();
  const first = await loadIdentity(folder, here);
  const second = await loadIdentity(folder, here);
  expect(first.reason).toContain('did not exist');
  expect(second).toMatchObject({ identity: { id: first.identity.id } });
  expect(second.reason).toBeUndefined();
  expect((await stat(join(folder, identityFileName))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual([identityFileName]);
});

test('a folder copied to another machine gets a new identity, with a reason, once', async () => {
  const folder = await testFolder();
  const old = await loadIdentity(folder, here);
  const fresh = await loadIdentity(folder, there);
  expect(fresh.identity.id).not.toBe(old.identity.id);
  expect(fresh.reason).toBe(`${folder} was made on another machine, where it is ${old.identity.id}`);
  expect((await loadIdentity(folder, there)).identity.id).toBe(fresh.identity.id);
});

test('a machine without an id keeps what it finds, on either side', async () => {
  const bound = await testFolder();
  const known = await loadIdentity(bound, here);
  expect((await loadIdentity(bound, nowhere)).identity.id).toBe(known.identity.id);
  const unbound = await testFolder();
  const free = await loadIdentity(unbound, nowhere);
  expect((await loadIdentity(unbound, there)).identity.id).toBe(free.identity.id);
});

test('a twin takes a new identity when it is told to', async () => {
  const folder = await testFolder();
  const old = await loadIdentity(folder, here);
  const fresh = await renewIdentity(folder, 'another live server has this id', here);
  expect(fresh.reason).toBe('another live server has this id');
  expect(fresh.identity.id).not.toBe(old.identity.id);
  expect((await loadIdentity(folder, here)).identity.id).toBe(fresh.identity.id);
});

test('two loads at once agree on one identity', async () => {
  const folder = await testFolder();
  const all = await Promise.all(Array.from({ length: 10 }, () => loadIdentity(folder, here)));
  expect(new Set(all.map(({ identity }) => identity.id)).size).toBe(1);
  expect(all.filter(({ reason }) => reason !== undefined)).toHaveLength(1);
});

test.each([
  '',
  '{',
  '[]',
  'null',
  '{"version":2}',
  '{"version":1,"machine":null,"seed":"AAAA"}',
])('the file %j stops the start and stays as it is', async (text) => {
  const folder = await testFolder();
  await writeFile(join(folder, identityFileName), text);
  await expect(loadIdentity(folder, here)).rejects.toMatchObject({ code: 'invalid', detail: 'identity-garbage' });
  expect(await readFile(join(folder, identityFileName), 'utf8')).toBe(text);
});

test('an identity that others can read comes with a warning', async () => {
  const folder = await testFolder();
  await loadIdentity(folder, here);
  await chmod(join(folder, identityFileName), 0o640);
  expect((await loadIdentity(folder, here)).warning).toContain('has mode 0640');
});

test('the id of the machine is a digest from the first file that holds one', async () => {
  const folder = await testFolder();
  const files = ['absent', 'making', 'good', 'other'].map((name) => join(folder, name));
  await writeFile(files[1]!, 'uninitialized\n');
  await writeFile(files[2]!, '0123456789abcdef0123456789abcdef\n');
  await writeFile(files[3]!, 'f123456789abcdef0123456789abcdef\n');
  const digest = await readMachineId(files);
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(digest).not.toBe('0123456789abcdef0123456789abcdef');
  expect(await readMachineId([files[3]!])).not.toBe(digest);
  expect(await readMachineId(files.slice(0, 2))).toBeUndefined();
});
