/** What the parts of the HTTP proxy share: made once in `http-proxy.ts`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Open } from '../opening.ts';
import type { FlowAgent } from './pool.ts';

export interface ProxyContext {
  open: Open;
  agent: FlowAgent;
  authorized(request: IncomingMessage): boolean;
  /** Requests for the proxy itself (origin-form): health. */
  local(request: IncomingMessage, response: ServerResponse, authorized: boolean): void;
}
