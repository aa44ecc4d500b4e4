/**
 * node:http for agents. An `import` of it reads all its exports, and one of those (`WebSocket`) is a getter that
 * loads the whole of `fetch`: 13 MiB and a tenth of a start, for what no agent uses. Types come from node:http
 * as usual.
 */
import type * as http from 'node:http';

export const { Agent, createServer, request, ServerResponse }: typeof http =
  process.getBuiltinModule('node:http');
