/**
 * Where the routes of agents (login, enrolment, connection tokens, control channel, JWKS) join the app.
 * Comes after `app.ts` settled request id and Tenant.
 */
import type { Controller } from '../context.ts';
import type { Ports } from '../ports.ts';

export function mountAgentRoutes(_app: Controller, _ports: Ports): void {}
