/**
 * Reads the configuration, compiles what it means for each subject, and lets the ledgers note what changed:
 * the first half of a round of `update.ts`.
 */
import { and, eq } from 'drizzle-orm';
import { advance, changedKeys, type Ledger } from '#schema/acl/ledger.ts';
import { tenants } from '#schema/db/tables.ts';
import { SallyportError } from '#schema/errors.ts';
import { isId } from '#schema/ids.ts';
import {
  compileForNetwork,
  compileForPrincipal,
  compileForSession,
} from '#workers/controller/agents/compile-acl.ts';
import {
  type Configuration,
  readConfiguration,
  type Wanted,
} from '#workers/controller/agents/read-configuration.ts';
import type { Ports } from '#workers/controller/ports.ts';
import type { UpdateContext } from './update.ts';

/** The configuration as of a version, and the ledgers that hold what it means for each subject. */
export interface Noted {
  configuration: Configuration;
  version: number;
  ledgers: Map<string, Ledger<unknown>>;
}

/** A configuration that changes while it is read is read again, so many times. */
const attempts = 10;

/** @returns undefined when the Tenant is gone. */
export async function readAndNote(
  context: UpdateContext,
  wanted: Wanted,
  subjects: string[],
): Promise<Noted | undefined> {
  const { ports, tenant } = context;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const configuration = await readConfiguration(ports.database, tenant(), wanted, ports.clock());
    if (!configuration) return undefined;
    const noted = await noteChanges(context, configuration, subjects);
    if (noted) return noted;
  }
  throw new SallyportError('unavailable', 'the configuration changes faster than it can be read');
}

/**
 * Compiles each subject's entries and writes down what changed. What changed by time alone, such as a grant
 * that ran out, needs a version of its own: one version must never mean two things.
 * @returns undefined when the configuration is no longer the present one, and has to be read again.
 */
async function noteChanges(
  { ports, ledgers }: UpdateContext,
  configuration: Configuration,
  subjects: string[],
): Promise<Noted | undefined> {
  const compiled = subjects.map((subject) => {
    const entries: Record<string, unknown> = subject.startsWith('net_')
      ? compileForNetwork(configuration, subject)
      : isId('userSession', subject)
        ? compileForSession(configuration, subject, ports.settings)
        : compileForPrincipal(configuration, subject, ports.settings);
    const before = ledgers.read(subject);
    const changed = before !== undefined && changedKeys(before.entries, entries).length > 0;
    return { subject, entries, before, changed };
  });
  let version = configuration.tenant.configVersion;
  if (compiled.some(({ before, changed }) => changed && version <= before!.seen)) {
    if (!(await raiseVersion(ports, configuration.tenant))) return undefined;
    version++;
  }
  const after = new Map<string, Ledger<unknown>>();
  for (const { subject, entries, before } of compiled) {
    const ledger = advance(before, version, entries);
    ledgers.write(subject, before, ledger, configuration.now);
    after.set(subject, ledger);
  }
  return { configuration, version, ledgers: after };
}

/** @returns false when somebody else has raised it since: then there is something new to be read. */
async function raiseVersion(
  { database }: Ports,
  { id, configVersion }: Configuration['tenant'],
): Promise<boolean> {
  const raised = await database
    .update(tenants)
    .set({ configVersion: configVersion + 1 })
    .where(and(eq(tenants.id, id), eq(tenants.configVersion, configVersion)))
    .returning({ version: tenants.configVersion });
  return raised.length === 1;
}
