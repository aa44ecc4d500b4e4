/**
 * GET /.well-known/oauth-authorization-server: what this authorization server offers (RFC 8414), below the
 * Tenant's URL.
 */
import { paths } from '#schema/control/login.ts';
import { algorithm } from '#schema/token/kinds.ts';
import type { Controller } from '../context.ts';
import { loginPaths } from '../people/paths.ts';
import { deviceGrant } from '../people/person-token.ts';
import { tenantUrl } from '../tenant.ts';

export function mountMetadata(app: Controller): void {
  app.get('/.well-known/oauth-authorization-server', (c) => {
    const { settings } = c.get('ports');
    const tenant = c.get('tenant');
    const issuer = tenant ? tenantUrl(settings, tenant) : settings.baseUrl;
    return c.json({
      issuer,
      token_endpoint: issuer + paths.token,
      jwks_uri: issuer + paths.jwks,
      ...(tenant && {
        authorization_endpoint: issuer + loginPaths.authorize,
        device_authorization_endpoint: issuer + loginPaths.deviceAuthorization,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      }),
      grant_types_supported: tenant
        ? ['client_credentials', 'authorization_code', deviceGrant]
        : ['client_credentials'],
      response_types_supported: tenant ? ['code'] : [],
      token_endpoint_auth_methods_supported: ['private_key_jwt', ...(tenant ? ['none'] : [])],
      token_endpoint_auth_signing_alg_values_supported: [algorithm],
      dpop_signing_alg_values_supported: [algorithm],
    });
  });
}
