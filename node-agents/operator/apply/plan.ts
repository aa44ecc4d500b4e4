/**
 * Compares a document with what there is and says what has to be done, in an order in which everything is
 * there before something else needs it. Pure: `apply.ts` brings the lists and makes the requests.
 */
import type { Ports } from '#schema/acl/document.ts';
import type { ConfigurationDocument, Listed } from '#schema/config/document.ts';
import { SallyportError } from '#schema/errors.ts';
import { canonical } from '#schema/resource/canonical.ts';
import type { Item } from '../request.ts';

export type ListName = keyof ConfigurationDocument;

/** What there is, as the API lists it. */
export type Present = Record<ListName, Item[]>;

export interface Step {
  action: 'create' | 'update' | 'delete';
  list: ListName;
  /** Of a grant: `service/resource`. */
  name: string;
  /** Absent where it is created. */
  id?: string;
  /** What is sent; a reference to something else is the other's name until `apply.ts` has its id. */
  fields: Record<string, unknown>;
  /** Names of the fields that an update changes. */
  changed: string[];
}

interface Wanted {
  name: string;
  fields: Record<string, unknown>;
}

/** Which list a field's name is found in. */
export const references: Record<string, ListName> = {
  remote_network_id: 'networks',
  resource_id: 'resources',
  service_account_id: 'services',
};

/** @throws SallyportError when the document names something that is nowhere, or an address that cannot be. */
export function plan(document: ConfigurationDocument, present: Present, prune: boolean): Step[] {
  const names = namesOf(present);
  const known = (list: ListName, name: string, by: string) => {
    const there = document[list]?.some((one) => 'name' in one && one.name === name);
    if (!there && !present[list].some((item) => item.name === name))
      throw new SallyportError('config_invalid', `${by}: there is no ${name} among the ${list}.`);
  };
  for (const { name, network } of document.resources ?? []) known('networks', network, `resource ${name}`);
  for (const { service, resource } of document.grants ?? []) {
    known('services', service, `grant ${service}/${resource}`);
    known('resources', resource, `grant ${service}/${resource}`);
  }

  const compared = (list: ListName, { name, fields }: Wanted): Step[] => {
    const item = present[list].find((one) => names(list, one) === name);
    const whole = list === 'grants' ? fields : { name, ...fields };
    if (!item) return [{ action: 'create', list, name, fields: whole, changed: [] }];
    const held = (field: string) =>
      field in references ? names(references[field]!, item[field]) : item[field];
    const changed = Object.keys(fields).filter((field) => !same(fields[field], held(field)));
    return changed.length > 0 ? [{ action: 'update', list, name, id: item.id, fields: whole, changed }] : [];
  };
  const surplus = (list: ListName): Step[] => {
    const wanted = document[list];
    if (!prune || !wanted) return [];
    const kept = new Set(wanted.map((one) => ('name' in one ? one.name : `${one.service}/${one.resource}`)));
    return present[list]
      .map(
        (item): Step => ({
          action: 'delete',
          list,
          name: names(list, item),
          id: item.id,
          fields: {},
          changed: [],
        }),
      )
      .filter(({ name }) => !kept.has(name));
  };

  return [
    ...(document.networks ?? []).flatMap((one) => compared('networks', named(one))),
    ...(document.services ?? []).flatMap((one) => compared('services', named(one))),
    ...(document.resources ?? []).flatMap((one) => compared('resources', resourceFields(one, present))),
    ...(document.grants ?? []).flatMap((one) => compared('grants', grantFields(one))),
    ...(['grants', 'resources', 'services', 'networks'] as const).flatMap(surplus),
  ];
}

/** The name of an item, or of the item that has an id. */
function namesOf(present: Present) {
  const byId = new Map(Object.values(present).flatMap((items) => items.map((item) => [item.id, item])));
  const nameOf = (list: ListName, of: unknown): string => {
    const item = typeof of === 'string' ? byId.get(of) : (of as Item);
    if (!item) return String(of);
    if (list !== 'grants') return String(item.name);
    return `${nameOf('services', item.service_account_id)}/${nameOf('resources', item.resource_id)}`;
  };
  return nameOf;
}

const named = ({ name, ...fields }: { name: string }): Wanted => ({ name, fields });

const grantFields = ({ service, resource, expires_at }: Listed<'grants'>): Wanted => ({
  name: `${service}/${resource}`,
  fields: { service_account_id: service, resource_id: resource, expires_at },
});

/** In the form in which the Controller stores it, so that another spelling is no difference. */
function resourceFields(wanted: Listed<'resources'>, present: Present): Wanted {
  const { name, network, ...fields } = wanted;
  const held = present.resources.find((item) => item.name === name);
  const whole = { ...defaults, ...(held as object), ...fields } as typeof defaults & typeof fields;
  const checked = canonical({ ...whole, allowReserved: whole.allow_reserved });
  if (!checked.ok)
    throw new SallyportError(checked.code, `resource ${name}: ${checked.detail ?? checked.code}.`);
  const { address, alias, tcp, udp } = checked.fields;
  const stored: Record<string, unknown> = { ...whole, address, alias, tcp, udp };
  const stated = Object.keys(fields).map((field) => [field, stored[field]]);
  return { name, fields: { remote_network_id: network, ...Object.fromEntries(stated) } };
}

/** What the Controller takes where a new Resource does not say. */
const defaults = {
  alias: null as string | null,
  tcp: 'all' as Ports,
  udp: 'all' as Ports,
  allow_reserved: false as boolean,
};

/** Instants by the moment they mean, objects whatever the order of their fields. */
function same(wanted: unknown, held: unknown): boolean {
  if (wanted === held) return true;
  if (typeof wanted === 'string' && typeof held === 'string')
    return /^\d{4}-\d\d-\d\dT/.test(wanted) && Date.parse(wanted) === Date.parse(held);
  if (typeof wanted !== 'object' || typeof held !== 'object' || wanted === null || held === null)
    return false;
  const [a, b] = [Object.entries(wanted), held as Record<string, unknown>];
  return a.length === Object.keys(b).length && a.every(([name, value]) => same(value, b[name]));
}
