/** GET /session: who asks, and what they may do. The console's first question. */
import { z } from '@hono/zod-openapi';
import { users } from '#schema/db/tables.ts';
import { grantableScopes } from '#schema/people/scopes.ts';
import { adminRoute, answer } from '../../admin-route.ts';
import { instant, iso } from '../../fields.ts';
import { endsAt } from '../../people/console-session.ts';
import { show, user } from '../users/shape.ts';

const session = z
  .object({
    tenant: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    actor: z.string().openapi({ description: '`usr_…` of a person, `tok_…` of an API token.' }),
    user: user.nullable(),
    scopes: z.array(z.enum(grantableScopes)),
    expires_at: instant
      .nullable()
      .openapi({ description: 'Of a session in the console, unless it is used.' }),
  })
  .openapi('Session');

export const getSession = adminRoute(
  {
    method: 'get',
    path: '/session',
    tag: 'People',
    summary: 'Who asks, and what they may do',
    needs: undefined,
    answer: session,
  },
  async ({ scope, tenant, actor, held, session }) => {
    const row = session && (await scope.byId(users, session.userId));
    return answer({
      tenant: { id: tenant.id, slug: tenant.slug, name: tenant.name },
      actor,
      user: row ? (await show(scope, [row]))[0]! : null,
      scopes: [...held],
      expires_at: session ? iso(endsAt(session)) : null,
    });
  },
);
