/** What the form of a Resource holds, and how that becomes what the API takes, by the rules of `#schema/resource`. */
import type { Ports } from '#schema/acl/document.ts';
import { type ErrorCode, errors } from '#schema/errors.ts';
import { type AddressKind, parseAddress } from '#schema/resource/address.ts';
import { parseAlias } from '#schema/resource/alias.ts';
import { type PortInput, readPorts, writePorts } from './port-text.ts';

export interface Fields {
  name: string;
  remote_network_id: string | null;
  address: string;
  alias: string;
  tcp: PortInput;
  udp: PortInput;
  icmp: boolean;
  /** Each `name=value`. */
  tags: string[];
  allow_reserved: boolean;
  policy_id: string | null;
}

export interface Written {
  name: string;
  remote_network_id: string;
  address: string;
  alias: string | null;
  tcp: Ports;
  udp: Ports;
  icmp: boolean;
  tags: Record<string, string>;
  allow_reserved: boolean;
  policy_id: string | null;
}

export const blank = (network: string | undefined): Fields => ({
  name: '',
  remote_network_id: network ?? null,
  address: '',
  alias: '',
  tcp: { mode: 'all', text: '' },
  udp: { mode: 'all', text: '' },
  icmp: true,
  tags: [],
  allow_reserved: false,
  policy_id: null,
});

export const fieldsOf = (resource: Written): Fields => ({
  ...resource,
  alias: resource.alias ?? '',
  tcp: writePorts(resource.tcp),
  udp: writePorts(resource.udp),
  tags: Object.entries(resource.tags).map(([name, value]) => `${name}=${value}`),
});

/** Of fields without a mistake. */
export function written(fields: Fields): Written {
  const ports = (input: PortInput): Ports => {
    const read = readPorts(input);
    return read.ok ? read.ports : 'none';
  };
  return {
    name: fields.name.trim(),
    remote_network_id: fields.remote_network_id ?? '',
    address: fields.address.trim(),
    alias: fields.alias.trim() || null,
    tcp: ports(fields.tcp),
    udp: ports(fields.udp),
    icmp: fields.icmp,
    tags: Object.fromEntries(fields.tags.map(splitTag)),
    allow_reserved: fields.allow_reserved,
    policy_id: fields.policy_id,
  };
}

/** What is wrong, by field; for people. */
export const mistakes = {
  name: (text: string) => (text.trim() === '' ? 'A name is needed' : null),
  remote_network_id: (id: string | null) => (id ? null : 'Pick the Remote Network that it is in'),
  address: (text: string, fields: Fields) => {
    const read = readAddress(text, fields.allow_reserved);
    return read.ok ? null : said(read);
  },
  alias: (text: string, fields: Fields) => {
    if (text.trim() === '') return null;
    const address = readAddress(fields.address, true);
    const read = parseAlias(text, address.ok ? address.kind : 'name');
    return read.ok ? null : said(read);
  },
  tcp: (input: PortInput) => portMistake(input),
  udp: (input: PortInput) => portMistake(input),
  tags: (tags: string[]) =>
    tags.every((tag) => /^[^=]{1,64}=/.test(tag)) ? null : 'Each tag is name=value, for instance env=prod',
};

export const readAddress = (text: string, allowReserved: boolean) => parseAddress(text, { allowReserved });

/** Refused unless somebody says that it really is there; the synthetic range never is. */
export const isReserved = (text: string): boolean => {
  const read = readAddress(text, false);
  return !read.ok && read.code === 'address_reserved' && readAddress(text, true).ok;
};

export const kinds: Record<AddressKind, string> = {
  ip: 'One host, by its address.',
  network: 'Every host of this network.',
  name: 'One name, resolved where the Connector is.',
  wildcard: 'Every name of this form, resolved where the Connector is.',
};

function portMistake(input: PortInput): string | null {
  const read = readPorts(input);
  return read.ok ? null : said(read);
}

const said = ({ code, detail }: { code: ErrorCode; detail?: string }): string => {
  const text = detail ?? errors[code].title;
  return text.charAt(0).toUpperCase() + text.slice(1);
};

function splitTag(tag: string): [string, string] {
  const at = tag.indexOf('=');
  return [tag.slice(0, at), tag.slice(at + 1)];
}
