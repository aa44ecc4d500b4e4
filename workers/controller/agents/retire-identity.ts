/**
 * When a Connector enrols anew, the key it had before is revoked like any other credential: what still runs
 * under it is cut everywhere, and the cut is on record.
 */
import { eq } from 'drizzle-orm';
import { calculateJwkThumbprint } from 'jose';
import { type connectors, revocations } from '#schema/db/tables.ts';
import { type Id, mintId, timeOrdered } from '#schema/ids.ts';
import type { Ports } from '../ports.ts';
import { type Row, scopeOf } from '../scope.ts';

const receiptTimeout = 2_000;

/** @param before the Connector as it was, enrolled. */
export async function retireIdentity(
  ports: Ports,
  tenantId: Id<'tenant'>,
  { hash, publicJwk }: Row<typeof connectors>,
): Promise<void> {
  const scope = scopeOf(ports.database, tenantId);
  const at = ports.clock();
  const id = mintId('revocation', timeOrdered(at, ports.random(16)));
  const jkts = publicJwk ? [await calculateJwkThumbprint(publicJwk)] : [];
  const subject = { keys: [], instances: [], principals: [], connectors: hash === null ? [] : [hash], jkts };
  await scope.insert(revocations, { id, at, subject });
  const order = { type: 'revoke', revocation: id, ...subject } as const;
  const receipt = await ports.channels.revoke(tenantId, order, receiptTimeout);
  await scope.update(revocations, { receipt }, eq(revocations.id, id));
}
