/**
 * How a Connector comes by its identity. The first start makes a key pair, shows its public half together
 * with the one-time enrolment token, and keeps the key in the state directory; every later start finds it
 * there and does not look at the token again. With the key in the environment (SALLYPORT_CONNECTOR_KEY)
 * nothing is kept: the Connector is known by its key's hash. Next is the login (`session.ts`).
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SallyportError } from '#schema/errors.ts';
import type { ControllerClient } from '../link/controller.ts';
import { createIdentity, type Identity, identityOf } from '../link/identity.ts';
import type { ConnectorConfig } from '../process/config.ts';
import { prepareStateDir, readSecretFile, writeSecretFile } from '../process/state-dir.ts';
import { version } from '../process/version.ts';

const stateFile = z.object({
  version: z.literal(1),
  /** `con_…`; null between making the key and the Controller's answer. */
  id: z.nullable(z.string()),
  tenant_url: z.string(),
  private_key: z.string(),
});

export interface KeptIdentity {
  identity: Identity;
  /** `con_…`, where it is known already. */
  id: string | undefined;
  /** Just made: nobody can know it. */
  fresh: boolean;
  /** Undefined: nothing can be kept here. */
  directory: string | undefined;
}

export const stateFileName = 'connector.json';

/** @throws SallyportError state_unreadable, state_permissions, config_invalid. */
export async function keptIdentity(
  config: Pick<ConnectorConfig, 'url' | 'stateDir' | 'connectorKey'>,
): Promise<KeptIdentity> {
  const { connectorKey, stateDir } = config;
  if (connectorKey) {
    const identity = await identityOf(pemOf(connectorKey.reveal())).catch((cause) => {
      throw new SallyportError(
        'config_invalid',
        'SALLYPORT_CONNECTOR_KEY is not a PKCS#8 PEM of an EC P-256 key',
        { cause },
      );
    });
    const writable = await prepareStateDir(stateDir).catch(() => false);
    return { identity, id: undefined, fresh: false, directory: writable ? stateDir : undefined };
  }
  const writable = await prepareStateDir(stateDir);
  const path = join(stateDir, stateFileName);
  const text = await readSecretFile(path);
  if (text === undefined) {
    if (!writable) {
      throw new SallyportError(
        'state_unreadable',
        `${stateDir} cannot be written to, so the key could not be kept; mount a directory there, or pass the key in SALLYPORT_CONNECTOR_KEY`,
      );
    }
    return { identity: await createIdentity(), id: undefined, fresh: true, directory: stateDir };
  }
  const state = parseState(path, text);
  const identity = await identityOf(state.private_key);
  return { identity, id: state.id ?? undefined, fresh: false, directory: writable ? stateDir : undefined };
}

/**
 * Uses the token up. The key is on disk before the token is sent: should the answer get lost, the next start
 * is known by its key.
 * @returns `con_…`. @throws SallyportError enrolment_used, enrolment_expired, enrolment_unknown, …
 */
export async function enrol(
  kept: KeptIdentity,
  config: Pick<ConnectorConfig, 'url' | 'connectorKey' | 'enrollToken' | 'labels'>,
  controller: ControllerClient,
): Promise<string> {
  if (!config.enrollToken) {
    throw new SallyportError(
      'enrolment_unknown',
      'this Connector is not enrolled and has no token; set SALLYPORT_ENROLL_TOKEN for its first start',
    );
  }
  const keep = async (id: string | null): Promise<void> => {
    if (kept.directory === undefined || config.connectorKey) return;
    const state = { version: 1, id, tenant_url: config.url, private_key: kept.identity.privateKeyPem };
    await writeSecretFile(join(kept.directory, stateFileName), `${JSON.stringify(state, null, 2)}\n`);
  };
  await keep(null);
  const { id } = await controller.enrol({
    token: config.enrollToken.reveal(),
    version,
    hostname: hostname(),
    labels: { ...config.labels },
  });
  await keep(id);
  return id;
}

function parseState(path: string, text: string): z.infer<typeof stateFile> {
  try {
    return stateFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new SallyportError(
      'state_unreadable',
      `${path} is damaged; restore it, or remove it and enrol again with a new token`,
      { cause },
    );
  }
}

/** Environment variables rarely keep line ends: `\n` as two characters and base64 of the PEM are taken too. */
function pemOf(text: string): string {
  const plain = text.replaceAll('\\n', '\n').trim();
  return plain.startsWith('-----') ? plain : Buffer.from(plain, 'base64').toString('utf8');
}
