/** Proves node-agents/connector/{state-dir,enrol}.ts: a key that nobody else can read, or none. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enrol, keptIdentity, stateFileName } from '#node-agents/connector/enrol.ts';
import type { ControllerClient } from '#node-agents/link/controller.ts';
import { createIdentity } from '#node-agents/link/identity.ts';
import { Secret } from '#node-agents/process/values.ts';

let folder: string;
let stateDir: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'));
  stateDir = join(folder, 'state');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const url = 'https://acme.example.com';
const config = (more = {}) => ({ url, stateDir, connectorKey: undefined, ...more });
const controller = (id = 'con_1', fail = false) =>
  ({
    enrol: async () => {
      if (fail) throw new Error('the line was cut');
      return { id };
    },
  }) as unknown as ControllerClient;
const enrolled = async (fail = false) => {
  const kept = await keptIdentity(config());
  const token = { enrollToken: new Secret('one-time'), labels: {} };
  await enrol(kept, { ...config(), ...token }, controller('con_1', fail)).catch(() => {});
  return kept;
};
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('the first start makes a key and keeps it, 0600 in 0700; the next finds it', async () => {
  const first = await enrolled();
  expect([mode(stateDir), mode(join(stateDir, stateFileName))]).toEqual(['700', '600']);
  const second = await keptIdentity(config());
  expect([second.id, second.fresh, second.identity.hash]).toEqual(['con_1', false, first.identity.hash]);
});

test('the key outlives an enrolment whose answer was lost', async () => {
  const first = await enrolled(true);
  const second = await keptIdentity(config());
  expect([second.id, second.fresh, second.identity.hash]).toEqual([undefined, false, first.identity.hash]);
});

test('no token on a first start is said in one line', async () => {
  const kept = await keptIdentity(config());
  await expect(
    enrol(kept, { ...config(), enrollToken: undefined, labels: {} }, controller()),
  ).rejects.toMatchObject({
    code: 'enrolment_unknown',
    message: expect.stringMatching(/SALLYPORT_ENROLL_TOKEN/),
  });
});

test('a key or directory that others can read is refused, with the command that mends it', async () => {
  await enrolled();
  const file = join(stateDir, stateFileName);
  chmodSync(file, 0o644);
  await expect(keptIdentity(config())).rejects.toMatchObject({
    code: 'state_permissions',
    message: expect.stringContaining(`chmod 600 ${file}`),
  });
  chmodSync(file, 0o600);
  chmodSync(stateDir, 0o755);
  await expect(keptIdentity(config())).rejects.toMatchObject({
    code: 'state_permissions',
    message: expect.stringContaining(`chmod 700 ${stateDir}`),
  });
});

test('an empty directory of our own is closed without asking', async () => {
  mkdirSync(stateDir, { mode: 0o755 });
  await keptIdentity(config());
  expect(mode(stateDir)).toBe('700');
});

test.each(['', '{', '{"version":1}', '{"version":1,"id":null,"tenant_url":"x","private_key":"y"}'])(
  'a damaged file is refused and left as it is: %s',
  async (text) => {
    mkdirSync(stateDir, { mode: 0o700 });
    const file = join(stateDir, stateFileName);
    writeFileSync(file, text, { mode: 0o600 });
    await expect(keptIdentity(config())).rejects.toMatchObject({ code: 'state_unreadable' });
    expect(readFileSync(file, 'utf8')).toBe(text);
  },
);

test('a key from the environment needs no directory: PEM, PEM with \\n, or base64', async () => {
  const { privateKeyPem, hash } = await createIdentity();
  const base64 = Buffer.from(privateKeyPem).toString('base64');
  for (const text of [privateKeyPem, privateKeyPem.replaceAll('\n', '\\n'), base64]) {
    const given = { connectorKey: new Secret(text), stateDir: '/sys/nowhere' };
    const kept = await keptIdentity(config(given));
    expect([kept.identity.hash, kept.directory, kept.fresh]).toEqual([hash, undefined, false]);
  }
  await expect(keptIdentity(config({ connectorKey: new Secret('nonsense') }))).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.not.stringContaining('nonsense'),
  });
});
