/**
 * The deployment's own secrets on one machine: the key-encryption key and the operator token, made at the
 * first start and kept in the state directory, readable by its owner alone.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '#schema/errors.ts';

export interface Secrets {
  /** 32 bytes, base64. */
  kek: string;
  operatorToken: string;
  operatorTokenFile: string;
}

export async function keepSecrets(stateDir: string): Promise<Secrets> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await chmod(stateDir, 0o700);
  const operatorTokenFile = join(stateDir, 'operator-token');
  return {
    kek: await keep(join(stateDir, 'kek'), () => randomBytes(32).toString('base64')),
    operatorToken: await keep(
      operatorTokenFile,
      () => `sallyport_op_${randomBytes(32).toString('base64url')}`,
    ),
    operatorTokenFile,
  };
}

async function keep(path: string, make: () => string): Promise<string> {
  try {
    const file = await open(path, 'wx', 0o600);
    const secret = make();
    await file.writeFile(`${secret}\n`);
    await file.sync();
    await file.close();
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (((await stat(path)).mode & 0o077) !== 0)
    throw new SallyportError('state_permissions', `${path}: chmod 600`);
  return (await readFile(path, 'utf8')).trim();
}
