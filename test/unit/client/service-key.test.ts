import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { expiryWarning, loadServiceKey, parseServiceKey } from '#node-agents/client/service-key.ts';
import { Secret } from '#node-agents/process/values.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-key-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pem = (curve: string) =>
  generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ type: 'pkcs8', format: 'pem' });

const file = {
  version: '1',
  network: 'https://acme.example.com/t/acme/',
  service_account_id: 'svc_1',
  private_key: String(pem('P-256')),
  key_id: 'key_1',
  expires_at: null as string | null,
  login_path: '/oauth/token',
};
const text = JSON.stringify(file);
const noInput = () => Promise.reject(new Error('not asked for'));
const why = (content: string) => {
  const verdict = parseServiceKey(content, '/k.json');
  if (verdict.ok) throw new Error('accepted');
  expect(verdict.detail).not.toMatch(/\n|MIG|BEGIN [A-Z ]+KEY-----\w/);
  return verdict.detail;
};

describe('a Service Key is accepted', () => {
  test.each([
    ['minified', text],
    ['indented', JSON.stringify(file, null, 4)],
    ['with a byte order mark and a final line end', `\uFEFF${text}\n`],
    ['as base64', Buffer.from(text).toString('base64')],
    ['as base64url, wrapped', Buffer.from(text).toString('base64url').replace(/.{76}/g, '$&\n')],
    ['with line ends that a shell has doubled', text.replaceAll('\\n', '\\\\n')],
  ])('%s', (_, content) => {
    const verdict = parseServiceKey(content, 'k');
    expect(verdict).toMatchObject({
      ok: true,
      key: { keyId: 'key_1', tenantUrl: 'https://acme.example.com/t/acme' },
    });
  });

  test('with a bare host name, which means https', () => {
    const verdict = parseServiceKey(JSON.stringify({ ...file, network: 'acme.example.com' }), 'k');
    expect(verdict).toMatchObject({ key: { tenantUrl: 'https://acme.example.com' } });
  });

  test('from a file, from standard input and from the environment', async () => {
    const path = join(folder, 'service_key.json');
    writeFileSync(path, text);
    const sources = [
      loadServiceKey({ from: 'file', path }, noInput),
      loadServiceKey({ from: 'stdin' }, async () => text),
      loadServiceKey({ from: 'env', name: 'KEY', text: new Secret(text) }, noInput),
    ];
    for (const verdict of await Promise.all(sources)) expect(verdict.ok).toBe(true);
  });
});

describe('one line says what is wrong and what to do', () => {
  test.each([
    ['an empty file', '', 'is empty'],
    ['a truncated file', text.slice(0, 200), 'is cut off after 200 characters'],
    ['broken JSON', `${text.slice(0, 20)},,}`, 'is not valid JSON'],
    ['any other text', 'hello, world', 'is neither JSON nor base64 of JSON'],
    ['a PEM file', file.private_key, 'is a PEM file, which is only one field'],
    ['some other JSON', '{"a":1}', 'is JSON, but no field of a Service Key is in it'],
    ['a missing field', JSON.stringify({ ...file, key_id: undefined }), 'lacks `key_id`'],
    ['a later version', JSON.stringify({ ...file, version: '9' }), 'update sallyportd'],
    [
      'a public key',
      JSON.stringify({ ...file, private_key: '-----BEGIN PUBLIC KEY-----\nAA==' }),
      'holds a public key in `private_key`',
    ],
    ['a wrong curve', JSON.stringify({ ...file, private_key: pem('P-384') }), 'on the curve secp384r1'],
    [
      'a wrong type of key',
      JSON.stringify({
        ...file,
        private_key: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
      }),
      'of type ed25519',
    ],
    [
      'a damaged key',
      JSON.stringify({ ...file, private_key: file.private_key.slice(0, 80) }),
      'is damaged or cut off',
    ],
    ['a wrong network', JSON.stringify({ ...file, network: 'ftp://x' }), 'neither a URL nor a host name'],
    ['a wrong time', JSON.stringify({ ...file, expires_at: 'soon' }), 'not an RFC 3339 time'],
  ])('%s', (_, content, expected) => {
    expect(why(content)).toContain(expected);
  });

  test('a missing file, a folder and an unset variable', async () => {
    const detail = async (source: Parameters<typeof loadServiceKey>[0]) => {
      const verdict = await loadServiceKey(source, noInput);
      return verdict.ok ? '' : `${verdict.code}: ${verdict.detail}`;
    };
    expect(await detail({ from: 'file', path: '/nowhere/k.json' })).toBe(
      'key_file_missing: there is no Service Key at /nowhere/k.json',
    );
    expect(await detail({ from: 'file', path: folder })).toContain('is a directory');
    expect(await detail({ from: 'env', name: 'KEY', text: undefined })).toContain('KEY is not set');
  });
});

test('a key that has expired by the local clock is only warned about: the Controller decides', () => {
  const verdict = parseServiceKey(JSON.stringify({ ...file, expires_at: '2026-01-01T00:00:00Z' }), 'k');
  if (!verdict.ok) throw new Error(verdict.detail);
  expect(expiryWarning(verdict.key, Date.parse('2026-01-02'))).toContain('expired at 2026-01-01');
  expect(expiryWarning(verdict.key, Date.parse('2025-12-31'))).toBeUndefined();
});
