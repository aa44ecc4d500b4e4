/**
 * Commands that show what happened: to flows, and to the configuration.
 */
import type { Command } from '../command.ts';
import { listEvents } from '../follow.ts';
import { paging, span } from './field.ts';

export const eventCommands: Command[] = [
  {
    name: 'events list',
    help: 'what happened to flows, newest first',
    request: 'GET /events',
    fields: [
      { flag: 'follow', help: 'goes on with what happens from now, until Ctrl-C', as: 'switch', sends: null },
      { flag: 'resource', help: 'only of this Resource', names: 'resource' },
      { flag: 'principal', help: 'only of this Service Account or person', names: 'principal' },
      { flag: 'key', help: 'only of this Service Key', names: 'key' },
      { flag: 'connector', help: 'only of this Connector', names: 'connector' },
      { flag: 'instance', help: 'only of this running Client, ins_…' },
      { flag: 'network', help: 'only of this Remote Network', names: 'network' },
      { flag: 'path', help: 'direct, relay or none' },
      { flag: 'connection', help: 'only of this connection, cnx_…' },
      { flag: 'kind', help: 'established, closed, denied or failed; several with commas' },
      { flag: 'code', help: 'only with this error code' },
      ...span,
      ...paging,
    ],
    columns: ['at', 'kind', 'code', 'principal', 'host', 'port', 'path', 'bytes_up', 'bytes_down'],
    run: listEvents,
  },
  {
    name: 'audit list',
    help: 'what administrators changed, newest first',
    request: 'GET /audit',
    fields: [
      { flag: 'actor', help: 'only by this API token, or operator' },
      { flag: 'action', help: 'only such as resource.update' },
      { flag: 'target', help: 'only of this id' },
      ...span,
      ...paging,
    ],
    columns: ['at', 'actor', 'action', 'target.kind', 'target.id'],
  },
];
