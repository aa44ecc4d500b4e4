/**
 * `sallyport key create`: makes the key pair here, sends the public half alone, and writes the file that a
 * Client logs in with. The private half never leaves this machine.
 */

import { generateKeyPairSync } from 'node:crypto';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import { SallyportError } from '#schema/errors.ts';
import type { Call } from './command.ts';
import { print } from './print.ts';

export async function createKey(call: Call): Promise<void> {
  const { own, json, host } = call;
  if (own.out === undefined) return host.write(textOf((await create(call)).file));
  // The file comes first: a key whose private half could not be kept would be of no use to anybody.
  const path = String(own.out);
  const descriptor = open(path);
  try {
    const { file, key } = await create(call);
    writeFileSync(descriptor, textOf(file));
    if (json) print({ ...key, file: path }, undefined, true, host);
    else
      host.write(
        `${path}: key ${file.key_id}, ${file.expires_at ? `until ${file.expires_at}` : 'without end'}\n`,
      );
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

async function create({ api, method, path, fields }: Call) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const answer = await api.send(method, path, {
    ...fields,
    public_key: pair.publicKey.export({ format: 'jwk' }),
  });
  const { service_key: given, ...key } = answer as { service_key: Omit<ServiceKeyFile, 'private_key'> };
  const { version, network, service_account_id, ...rest } = given;
  const private_key = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  const file: ServiceKeyFile = { version, network, service_account_id, private_key, ...rest };
  return { key, file };
}

function open(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'exists already and is not overwritten' : `cannot be written (${code})`;
    throw new SallyportError('config_invalid', `${path} ${why}.`, { cause });
  }
}

const textOf = (file: ServiceKeyFile): string => `${JSON.stringify(file, null, 2)}\n`;
