/**
 * POST /connectors/{id}/rotate: a new enrolment token. The Connector goes on with its present key until the
 * token is used; that enrolment then replaces the key. Earlier tokens that nobody used stop working.
 */
import { and, eq, isNull } from 'drizzle-orm';
import { connectors, enrolmentTokens } from '#schema/db/tables.ts';
import { adminRoute } from '../../admin-route.ts';
import { Change } from '../../change.ts';
import { absent, idPath, illegal } from '../../fields.ts';
import { mintEnrolment, show, withEnrolment } from './shape.ts';

export const rotateConnector = adminRoute(
  {
    method: 'post',
    path: '/connectors/{id}/rotate',
    tag: 'Connectors',
    summary: 'Replace a Connector’s key: a new enrolment token',
    needs: 'connectors:write',
    params: idPath,
    answer: withEnrolment,
    status: 201,
    refuses: ['illegal_transition'],
  },
  async (ask) => {
    const { scope } = ask;
    const row = await scope.byId(connectors, ask.params.id);
    if (!row) return absent('Connector', ask.params.id);
    if (row.revokedAt !== null) return illegal('Connector', 'revoked', ['delete']);
    const unused = and(eq(enrolmentTokens.connectorId, row.id), isNull(enrolmentTokens.usedAt))!;
    const enrolment = await mintEnrolment(ask, row.id);
    const shown = (await show(ask, [row]))[0]!;
    return new Change(ask)
      .write(scope.delete(enrolmentTokens, unused), enrolment.statement)
      .audit('rotate', 'connector', row.id, {
        before: shown,
        after: { ...shown, enrolment_expires_at: enrolment.shown.enrolment_expires_at },
      })
      .commit({ body: { ...shown, ...enrolment.shown } });
  },
);
