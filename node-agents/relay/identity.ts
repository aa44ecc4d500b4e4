/**
 * How a relay comes by its identity: the first start makes a key pair, enrols it with the one-time token and
 * keeps it in the state directory; later starts find it there. Next: `control.ts`.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SallyportError } from '#schema/errors.ts';
import type { ControllerClient } from '../link/controller.ts';
import { createIdentity, type Identity, identityOf } from '../link/identity.ts';
import type { RelayConfig } from '../process/config.ts';
import { prepareStateDir, readSecretFile, writeSecretFile } from '../process/state-dir.ts';
import { version } from '../process/version.ts';

const stateFile = z.object({
  version: z.literal(1),
  /** `rel_…`; null between making the key and the Controller's answer. */
  id: z.nullable(z.string()),
  controller_url: z.string(),
  private_key: z.string(),
});

export interface KeptIdentity {
  identity: Identity;
  /** `rel_…`; undefined before the enrolment. */
  id: string | undefined;
}

const pathOf = ({ stateDir }: RelayConfig): string => join(stateDir, 'relay.json');

/** @throws SallyportError state_unreadable, state_permissions. */
export async function keptIdentity(config: RelayConfig): Promise<KeptIdentity> {
  const writable = await prepareStateDir(config.stateDir);
  const path = pathOf(config);
  const text = await readSecretFile(path);
  if (text !== undefined) {
    const { id, private_key } = parseState(path, text);
    return { identity: await identityOf(private_key), id: id ?? undefined };
  }
  if (!writable) {
    throw new SallyportError(
      'state_unreadable',
      `${config.stateDir} cannot be written to: no place for the key`,
    );
  }
  return { identity: await createIdentity(), id: undefined };
}

/** Uses the token up. @returns `rel_…`. @throws SallyportError enrolment_used, enrolment_expired, … */
export async function enrol(
  { identity }: KeptIdentity,
  config: RelayConfig,
  controller: ControllerClient,
): Promise<string> {
  if (config.enrollToken === undefined) {
    throw new SallyportError(
      'enrolment_unknown',
      'this relay is not enrolled and has no token; set SALLYPORT_ENROLL_TOKEN for its first start',
    );
  }
  const keep = (id: string | null): Promise<void> => {
    const state = {
      version: 1,
      id,
      controller_url: config.controllerUrl,
      private_key: identity.privateKeyPem,
    };
    return writeSecretFile(pathOf(config), `${JSON.stringify(state, null, 2)}\n`);
  };
  await keep(null);
  const { id } = await controller.enrol({
    token: config.enrollToken.reveal(),
    version,
    hostname: hostname(),
  });
  await keep(id);
  return id;
}

function parseState(path: string, text: string): z.infer<typeof stateFile> {
  try {
    return stateFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new SallyportError('state_unreadable', `${path} is damaged; remove it and enrol again`, { cause });
  }
}
