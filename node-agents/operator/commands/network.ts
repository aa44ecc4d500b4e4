/**
 * Commands for places and what is in them: Remote Networks, their Connectors, their Resources.
 */
import type { Command, Field } from '../command.ts';
import { named, paging, rename, required } from './field.ts';

const network: Field = {
  flag: 'network',
  help: 'the Remote Network',
  names: 'network',
  sends: 'remote_network_id',
};
const location: Field = { flag: 'location', help: 'where it is; empty: not said', as: 'clearable' };
const address: Field = { flag: 'address', help: '10.0.0.5, 10.0.0.0/24, db.internal or *.internal' };
const rules: Field[] = [
  { flag: 'alias', help: 'a second name; empty: none', as: 'clearable' },
  {
    flag: 'policy',
    help: 'the Security Policy that people must satisfy; empty: the default one',
    as: 'clearable',
    names: 'policy',
    sends: 'policy_id',
  },
  { flag: 'tcp', help: 'all, none, or ports such as 80,8000-8100', as: 'ports' },
  { flag: 'udp', help: 'all, none, or ports', as: 'ports' },
  { flag: 'icmp', help: 'true or false', as: 'boolean' },
  { flag: 'tags', help: 'env=prod,team=db', as: 'pairs' },
  { flag: 'allow-reserved', help: 'true when it really lies in a reserved range', as: 'boolean' },
];

export const networkCommands: Command[] = [
  {
    name: 'network create',
    help: 'a Remote Network',
    request: 'POST /remote-networks',
    fields: [named, location],
  },
  {
    name: 'network list',
    help: 'the Remote Networks',
    request: 'GET /remote-networks',
    fields: paging,
    columns: ['id', 'name', 'location', 'connectors', 'resources'],
  },
  { name: 'network show', help: 'one Remote Network', request: 'GET /remote-networks/:network' },
  {
    name: 'network update',
    help: 'changes what is given',
    request: 'PATCH /remote-networks/:network',
    fields: [rename, location],
  },
  {
    name: 'network delete',
    help: 'removes an empty Remote Network',
    request: 'DELETE /remote-networks/:network',
  },
  {
    name: 'connector create',
    help: 'a Connector and its one-time enrolment token',
    request: 'POST /connectors',
    fields: [{ flag: 'name', help: 'its name' }, required(network)],
  },
  {
    name: 'connector list',
    help: 'the Connectors and how they are',
    request: 'GET /connectors',
    fields: [network, ...paging],
    columns: ['id', 'name', 'remote_network_id', 'state', 'state_reason', 'version'],
  },
  { name: 'connector show', help: 'one Connector', request: 'GET /connectors/:connector' },
  {
    name: 'connector rename',
    help: 'gives it another name',
    request: 'PATCH /connectors/:connector',
    fields: [required(rename)],
  },
  {
    name: 'connector rotate',
    help: 'a new enrolment token; its next start takes a new key',
    request: 'POST /connectors/:connector/rotate',
  },
  {
    name: 'connector revoke',
    help: 'cuts it off for good; prints who confirmed',
    request: 'POST /connectors/:connector/revoke',
  },
  {
    name: 'connector delete',
    help: 'removes it and cuts what it carries',
    request: 'DELETE /connectors/:connector',
  },
  {
    name: 'resource create',
    help: 'a Resource; nobody reaches it until it is granted',
    request: 'POST /resources',
    fields: [named, required(network), required(address), ...rules],
  },
  {
    name: 'resource list',
    help: 'the Resources',
    request: 'GET /resources',
    fields: [network, { flag: 'tag', help: 'only with this tag, such as env:prod' }, ...paging],
    columns: ['id', 'name', 'address', 'alias', 'tcp', 'udp', 'remote_network_id'],
  },
  { name: 'resource show', help: 'one Resource', request: 'GET /resources/:resource' },
  {
    name: 'resource update',
    help: 'changes what is given',
    request: 'PATCH /resources/:resource',
    fields: [rename, network, address, ...rules],
  },
  { name: 'resource delete', help: 'removes it', request: 'DELETE /resources/:resource' },
];
