/**
 * What is known beforehand of the identity providers that most people have. A preset fills in what an
 * administrator leaves out; everything else about a provider comes from its own metadata (OpenID Connect
 * Discovery 1.0).
 */

export const presets = ['google', 'entra', 'okta', 'keycloak', 'oidc'] as const;
export type Preset = (typeof presets)[number];

export interface PresetFacts {
  title: string;
  /** Braces hold what the administrator knows. */
  issuer: string;
  scopes: readonly string[];
  claims: { email: string; name: string; groups: string };
  /** What an administrator has to do at the provider, in one sentence. */
  hint: string;
}

const usual = { email: 'email', name: 'name', groups: 'groups' };

export const presetFacts: Readonly<Record<Preset, PresetFacts>> = {
  google: {
    title: 'Google Workspace',
    issuer: 'https://accounts.google.com',
    scopes: ['openid', 'email', 'profile'],
    claims: usual,
    hint: 'Create an OAuth client of type “Web application” in the Google Cloud console; set the allowed domains, for Google vouches for any account.',
  },
  entra: {
    title: 'Microsoft Entra ID',
    issuer: 'https://login.microsoftonline.com/{directory (tenant) id}/v2.0',
    scopes: ['openid', 'email', 'profile'],
    claims: { ...usual, email: 'email' },
    hint: 'Register an application with a client secret, and add the optional claims `email` and `groups` to its ID token.',
  },
  okta: {
    title: 'Okta',
    issuer: 'https://{your domain}.okta.com',
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: usual,
    hint: 'Create an OIDC web application, and a groups claim filter if policies are to ask for groups.',
  },
  keycloak: {
    title: 'Keycloak',
    issuer: 'https://{host}/realms/{realm}',
    scopes: ['openid', 'email', 'profile'],
    claims: usual,
    hint: 'Create a confidential OpenID Connect client, with a group membership mapper if policies are to ask for groups.',
  },
  oidc: {
    title: 'OpenID Connect',
    issuer: 'https://{issuer}',
    scopes: ['openid', 'email', 'profile'],
    claims: usual,
    hint: 'Register a confidential client with the redirect URI shown here.',
  },
};
