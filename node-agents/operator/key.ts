/**
 * `sallyport key create`: makes the key pair here, sends the public half alone, and writes the file that a
 * Client logs in with. The private half never leaves this machine.
 */

import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ServiceKeyFile } from '#schema/control/service-key.ts';
import { SallyportError } from '#schema/errors.ts';
import type { Field } from './commands.ts';
import { commandHelp } from './help.ts';
import { Api, type Settings } from './request.ts';
import { type Output, parse } from './run.ts';
import { fieldValue } from './value.ts';

const fields: Field[] = [
  { flag: 'name', help: 'its name', required: true },
  { flag: 'expires-in-days', help: 'days, or unlimited (default 365)', as: 'expiry' },
  { flag: 'out', help: 'file to write, mode 0600 (default: printed)' },
];
const command = {
  noun: 'key',
  verb: 'create',
  help: 'a Service Key; the private half is made here and never travels',
  path: '/service-accounts/:id/keys',
  fields,
};

export async function createKey(args: string[], settings: Settings, out: Output): Promise<void> {
  const { values, positionals } = parse(fields, args, command);
  if (values.help === true) return out.write(commandHelp(command));
  const [account] = positionals;
  if (account === undefined || typeof values.name !== 'string') {
    throw new SallyportError('config_invalid', '“key create” takes a Service Account’s id and --name.');
  }
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const expiry = values['expires-in-days'];
  const created = (await new Api(settings).send(
    'POST',
    `/service-accounts/${encodeURIComponent(account)}/keys`,
    {
      name: values.name,
      public_key: pair.publicKey.export({ format: 'jwk' }),
      ...(typeof expiry === 'string' && { expires_in_days: fieldValue(fields[1]!, expiry) }),
    },
    false,
  )) as { service_key: Omit<ServiceKeyFile, 'private_key'> };
  const { version, network, service_account_id, ...rest } = created.service_key;
  const file = {
    version,
    network,
    service_account_id,
    private_key: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    ...rest,
  };
  const text = `${JSON.stringify(file, null, 2)}\n`;
  if (typeof values.out !== 'string') return out.write(text);
  writeFileSync(values.out, text, { mode: 0o600, flag: 'wx' });
  out.write(
    `${values.out}: key ${file.key_id}, ${file.expires_at === null ? 'without end' : `until ${file.expires_at}`}\n`,
  );
}
