/**
 * GET /openapi.json: OpenAPI 3.1, made from the same schemas that validate requests. Open to everybody: it
 * says what can be asked, not what there is. A Tenant's own URL leaves out what only the deployment's offers.
 */
import type { Controller } from '../context.ts';
import { tenantUrl } from '../tenant.ts';

export function mountOpenApi(app: Controller): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token of the Tenant (`spt_…`) with the scope that the operation names.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'sallyport_session',
    description: 'A person in the console, whose role has the scope that the operation names.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'operatorToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'The deployment’s operator token.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'setupCode', {
    type: 'http',
    scheme: 'bearer',
    description: 'A one-time setup code (`spu_…`) that the operator made.',
  });
  app.get('/api/v1/openapi.json', (c) => {
    const { settings } = c.get('ports');
    const tenant = c.get('tenant');
    const document = app.getOpenAPI31Document({
      openapi: '3.1.1',
      info: {
        title: 'Sallyport Controller',
        version: '1',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        description: 'Errors are problem documents (RFC 9457) with a `code` that keeps its meaning for ever.',
      },
      servers: [{ url: tenant ? tenantUrl(settings, tenant) : settings.baseUrl }],
    });
    return c.json(tenant ? { ...document, paths: ofTenant(document.paths ?? {}) } : document);
  });
}

/** Without the operations that take the operator's token; a path of which nothing is left goes with them. */
function ofTenant(paths: object): Record<string, object> {
  const offered = Object.entries(paths).map(([path, operations]): [string, object] => [
    path,
    Object.fromEntries(
      Object.entries(operations as Record<string, { security?: object[] }>).filter(
        ([, { security = [] }]) =>
          security.length > 0 && !security.some((scheme) => 'operatorToken' in scheme),
      ),
    ),
  ]);
  return Object.fromEntries(offered.filter(([, operations]) => Object.keys(operations).length > 0));
}
