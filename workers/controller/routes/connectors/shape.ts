/**
 * A Connector as the API shows it, and the one-time token that enrols it.
 */
import { z } from '@hono/zod-openapi';
import { calculateJwkThumbprint } from 'jose';
import { relayLink } from '#schema/control/from-agent.ts';
import { type connectors, enrolmentTokens } from '#schema/db/tables.ts';
import type { Id } from '#schema/ids.ts';
import { usualWeight } from '#schema/path/spread.ts';
import type { ChangeOrigin } from '../../change.ts';
import { described, instant, iso, isoOrNull } from '../../fields.ts';
import { presentAgents } from '../../presence.ts';
import { relayNames, relaysOf } from '../../relay-names.ts';
import type { Row } from '../../scope.ts';
import { mintSecret } from '../../secret.ts';
import { connectorState, connectorStates } from './state.ts';

export const connector = z
  .object({
    id: z.string().openapi({ example: 'con_01jd3m8k2n4p6q8r0s2t4v6w8x' }),
    name: z.string(),
    remote_network_id: z.string(),
    hash: z
      .string()
      .nullable()
      .openapi({ description: 'Its anonymous name: all that Clients and relays learn.' }),
    state: z.enum(connectorStates),
    state_reason: z.string(),
    version: z.string().nullable(),
    hostname: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    public_address: z.string().nullable(),
    relays: z.array(
      z.object({
        relay: z.string(),
        name: z
          .string()
          .openapi({ description: 'What the operator calls it; `edge` is the Controller itself.' }),
        state: described(relayLink.shape.state),
        code: z.string().optional(),
      }),
    ),
    weight: z.number().openapi({ description: 'Share of the load that it takes, beside those of others.' }),
    last_seen_at: instant.nullable(),
    connected_at: instant.nullable(),
    enrolled_at: instant.nullable(),
    revoked_at: instant.nullable(),
    created_at: instant,
  })
  .openapi('Connector');

export const withEnrolment = connector
  .extend({
    enrolment_token: z.string().openapi({ description: 'Works once; shown once.' }),
    enrolment_expires_at: instant,
  })
  .openapi('ConnectorWithEnrolment');

export async function show(
  ask: Pick<ChangeOrigin, 'ports' | 'scope' | 'now'>,
  rows: Row<typeof connectors>[],
): Promise<z.input<typeof connector>[]> {
  if (rows.length === 0) return [];
  const [present, relays] = await Promise.all([
    presentAgents(ask, 'connector'),
    relayNames(ask.ports, relaysOf(rows)),
  ]);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    remote_network_id: row.remoteNetworkId,
    hash: row.hash,
    ...connectorState(row, { present: present.get(row.id), relays, nowMs: ask.now }),
    version: row.version,
    hostname: row.hostname,
    labels: row.labels ?? {},
    public_address: row.publicAddress,
    relays: (row.relays ?? []).map((link) => ({ ...link, name: relays.get(link.relay) ?? link.relay })),
    weight: row.weight ?? usualWeight,
    last_seen_at: isoOrNull(present.get(row.id)?.lastSeen ?? row.disconnectedAt),
    connected_at: isoOrNull(row.connectedAt),
    enrolled_at: isoOrNull(row.enrolledAt),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: iso(row.createdAt),
  }));
}

/** What a revocation has to name of a Connector: nothing while it has not enrolled. */
export async function identityOf({ hash, publicJwk }: Row<typeof connectors>) {
  return {
    connectors: hash === null ? [] : [hash],
    jkts: publicJwk === null ? [] : [await calculateJwkThumbprint(publicJwk)],
  };
}

/** Milliseconds that an enrolment token can be used. */
export const enrolmentLifetime = 24 * 3_600_000;

/** A fresh token; the caller of `write` drops those that were not used. */
export async function mintEnrolment({ ports, scope, now }: ChangeOrigin, connectorId: Id<'connector'>) {
  const { secret, hash } = await mintSecret(ports, 'spe');
  const expiresAt = now + enrolmentLifetime;
  return {
    shown: { enrolment_token: secret, enrolment_expires_at: iso(expiresAt) },
    statement: scope.insert(enrolmentTokens, { hash, connectorId, createdAt: now, expiresAt }),
  };
}
