/** What this SCIM service is and has (RFC 7644 §4): ServiceProviderConfig, ResourceTypes, Schemas. */
import { listSchema, refuseScim, scimRoute } from './answer.ts';
import { groupSchema } from './groups/shape.ts';
import { mostAtOnce } from './page.ts';
import { userSchema } from './users/shape.ts';

const meta = (base: string, resourceType: string, path: string) => ({
  resourceType,
  location: `${base}/${path}`,
});

export const serviceProviderConfig = scimRoute(async ({ base }) => ({
  ok: true,
  body: {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: mostAtOnce },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'SCIM token',
        description: 'Made in the console, or by POST /api/v1/scim-tokens.',
        primary: true,
      },
    ],
    meta: meta(base, 'ServiceProviderConfig', 'ServiceProviderConfig'),
  },
}));

const types = (base: string) =>
  [
    { id: 'User', endpoint: '/Users', schema: userSchema },
    { id: 'Group', endpoint: '/Groups', schema: groupSchema },
  ].map((type) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    ...type,
    name: type.id,
    meta: meta(base, 'ResourceType', `ResourceTypes/${type.id}`),
  }));

export const resourceTypes = scimRoute(async ({ c, base }) => found(c.req.param('id'), types(base)));

const attribute = (name: string, more: object = {}) => ({
  name,
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...more,
});

const schemas = (base: string) =>
  [
    {
      id: userSchema,
      name: 'User',
      attributes: [
        attribute('userName', { required: true, uniqueness: 'server' }),
        attribute('displayName'),
        attribute('externalId', { caseExact: true }),
        attribute('active', { type: 'boolean' }),
        attribute('name', {
          type: 'complex',
          subAttributes: ['formatted', 'givenName', 'familyName'].map((name) => attribute(name)),
        }),
        attribute('emails', {
          type: 'complex',
          multiValued: true,
          subAttributes: [attribute('value'), attribute('type'), attribute('primary', { type: 'boolean' })],
        }),
        attribute('groups', { type: 'complex', multiValued: true, mutability: 'readOnly' }),
      ],
    },
    {
      id: groupSchema,
      name: 'Group',
      attributes: [
        attribute('displayName', { required: true, uniqueness: 'server' }),
        attribute('externalId', { caseExact: true }),
        attribute('members', {
          type: 'complex',
          multiValued: true,
          subAttributes: [
            attribute('value', { mutability: 'immutable' }),
            attribute('display', { mutability: 'readOnly' }),
          ],
        }),
      ],
    },
  ].map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    meta: meta(base, 'Schema', `Schemas/${schema.id}`),
  }));

export const schemaList = scimRoute(async ({ c, base }) => found(c.req.param('id'), schemas(base)));

function found(id: string | undefined, all: { id: string }[]) {
  if (id === undefined) {
    const count = { totalResults: all.length, startIndex: 1, itemsPerPage: all.length };
    return { ok: true as const, body: { schemas: [listSchema], ...count, Resources: all } };
  }
  const one = all.find((each) => each.id === id);
  return one ? { ok: true as const, body: one } : refuseScim(404, 'There is no such thing.');
}
