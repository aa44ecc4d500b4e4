/**
 * The Controller: one Hono app over a host's ports. A request gets an id, a size limit and its Tenant
 * (`tenant.ts`), then goes to a route of the agents (`agents/index.ts`) or of the administrators
 * (`routes/index.ts`); whatever goes wrong leaves as a problem document (`problem.ts`).
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { getPath } from 'hono/utils/url';
import { mintId } from '#schema/ids.ts';
import { mountAgentRoutes } from './agents/index.ts';
import { mountConsole } from './console/mount.ts';
import type { Controller, Env } from './context.ts';
import { mountPeople } from './people/index.ts';
import type { Ports } from './ports.ts';
import { problem, problemOf, unrouted, validationProblem } from './problem.ts';
import { mountAdminRoutes } from './routes/index.ts';
import { mountScim } from './scim/index.ts';
import { belowTenant, resolveTenant } from './tenant.ts';

/** Bytes of a request body. */
const bodyBytes = 1024 * 1024;

export function createController(ports: Ports): Controller {
  const app: Controller = new OpenAPIHono<Env>({
    getPath: (request) => belowTenant(getPath(request)),
    defaultHook: (result, c) => (result.success ? undefined : validationProblem(c, result)),
  });
  app.use(async (c, next) => {
    const requestId = mintId('event', ports.random(16)).replace('evt_', 'req_');
    c.set('ports', ports);
    c.set('requestId', requestId);
    await next();
    // A 101 carries a socket that a copied answer would lose.
    if (c.res.status !== 101) c.header('X-Request-Id', requestId);
  });
  app.use(bodyLimit({ maxSize: bodyBytes, onError: (c) => problem(c, 'payload_too_large') }));
  app.use(resolveTenant);
  mountAgentRoutes(app);
  mountPeople(app);
  mountScim(app);
  mountAdminRoutes(app);
  mountConsole(app);
  app.notFound((c) => unrouted(c, app.routes));
  app.onError((error, c) => problemOf(c, error));
  return app;
}
