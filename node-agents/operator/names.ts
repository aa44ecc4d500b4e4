/**
 * Lets people say names where the API wants ids: an id is taken as it is, a name is looked up by listing.
 * What has no name of its own is named by its two parts, such as `ci/db` for a grant.
 */
import { SallyportError } from '#schema/errors.ts';
import { isId, type Noun } from '#schema/ids.ts';
import type { Api, Item } from './request.ts';

export type Kind =
  | 'tenant'
  | 'relay'
  | 'token'
  | 'network'
  | 'connector'
  | 'resource'
  | 'service'
  | 'principal'
  | 'key'
  | 'instance'
  | 'grant'
  | 'user'
  | 'group'
  | 'policy'
  | 'provider'
  | 'scim'
  | 'browser'
  | 'login';

interface Named {
  noun: Noun;
  /** For people. */
  what: string;
  /** Where all of them are listed; absent where they are not. */
  list?: string;
  /** The field that holds the name. */
  by?: string;
  operator?: boolean;
  /** An id of this kind will do too, and the e-mail address of one. */
  or?: 'user';
}

const kinds: Record<Kind, Named> = {
  tenant: { noun: 'tenant', what: 'Tenant', list: '/tenants', by: 'slug', operator: true },
  relay: { noun: 'relay', what: 'relay', list: '/relays', operator: true },
  token: { noun: 'apiToken', what: 'API token', list: '/api-tokens' },
  network: { noun: 'remoteNetwork', what: 'Remote Network', list: '/remote-networks' },
  connector: { noun: 'connector', what: 'Connector', list: '/connectors' },
  resource: { noun: 'resource', what: 'Resource', list: '/resources' },
  service: { noun: 'serviceAccount', what: 'Service Account', list: '/service-accounts' },
  principal: {
    noun: 'serviceAccount',
    what: 'Service Account',
    list: '/service-accounts',
    or: 'user',
  },
  key: { noun: 'serviceKey', what: 'Service Key' },
  instance: { noun: 'instance', what: 'instance' },
  grant: { noun: 'grant', what: 'grant' },
  user: { noun: 'user', what: 'user', list: '/users', by: 'user_name' },
  group: { noun: 'group', what: 'group', list: '/groups' },
  policy: { noun: 'policy', what: 'Security Policy', list: '/policies' },
  provider: { noun: 'identityProvider', what: 'identity provider', list: '/identity-providers' },
  scim: { noun: 'scimToken', what: 'SCIM token', list: '/scim-tokens' },
  browser: { noun: 'consoleSession', what: 'session in the console' },
  login: { noun: 'userSession', what: 'log-in on a device' },
};

/** How an argument of that kind is shown in help. */
export const placeholder = (kind: string): string => placeholders[kind] ?? kind.toUpperCase();

const placeholders: Record<string, string> = {
  ...{ key: 'SERVICE/KEY', grant: 'SERVICE/RESOURCE', instance: 'INSTANCE_ID' },
  ...{ scim: 'SCIM_TOKEN', browser: 'SESSION_ID', login: 'SESSION_ID' },
};

/** @throws SallyportError when nothing has the name, or more than one thing. */
export async function idOf(api: Api, kind: Kind, text: string): Promise<string> {
  const { noun, what, list, by = 'name', operator = false, or } = kinds[kind];
  if (isId(noun, text) || (or && isId(or, text))) return text;
  if (or && text.includes('@')) {
    const people = await api.all('/users', { q: text });
    return single(
      or,
      text,
      people.filter(({ email }) => email === text),
    );
  }
  if (list !== undefined) {
    return single(
      what,
      text,
      (await api.all(list, {}, operator)).filter((item) => item[by] === text),
    );
  }
  const [owner, own] = twoParts(kind, what, text);
  const service = await idOf(api, 'service', owner);
  if (kind === 'key') {
    const keys = await api.all(`/service-accounts/${service}/keys`);
    return single(
      what,
      text,
      keys.filter(({ name }) => name === own),
    );
  }
  const resource = await idOf(api, 'resource', own);
  return single(what, text, await api.all('/grants', { service_account_id: service, resource_id: resource }));
}

function twoParts(kind: Kind, what: string, text: string): [string, string] {
  const slash = text.indexOf('/');
  if ((kind !== 'key' && kind !== 'grant') || slash < 1 || slash === text.length - 1)
    throw new SallyportError(
      'config_invalid',
      `${text} names no ${what}: give its id or ${placeholder(kind)}.`,
    );
  return [text.slice(0, slash), text.slice(slash + 1)];
}

function single(what: string, text: string, found: Item[]): string {
  const [first, ...more] = found;
  if (first === undefined) throw new SallyportError('not_found', `There is no ${what} ${text}.`);
  if (more.length > 0) {
    const ids = found.slice(0, 5).map(({ id }) => id);
    throw new SallyportError(
      'config_invalid',
      `${text} names ${found.length} things: give an id, ${ids.join(', ')}.`,
    );
  }
  return first.id;
}
