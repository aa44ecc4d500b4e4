/**
 * Where the routes of agents (login, enrolment, connection tokens, control channel, JWKS) join the app, and
 * those by which an administrator looks after the signing keys. Comes after `app.ts` settled request id and
 * Tenant.
 */
import type { Controller } from '../context.ts';
import { mountChannel } from './channel.ts';
import { mountConnections } from './connections.ts';
import { mountEnrol } from './enrol.ts';
import { mountJwks } from './jwks.ts';
import { listSigningKeys } from './list-signing-keys.ts';
import { mountMetadata } from './metadata.ts';
import { rotateSigningKeys } from './rotate-signing-keys.ts';
import { mountToken } from './token.ts';

export function mountAgentRoutes(app: Controller): void {
  for (const mount of [mountToken, mountEnrol, mountConnections, mountChannel, mountJwks, mountMetadata])
    mount(app);
  for (const route of [listSigningKeys, rotateSigningKeys]) route.mount(app);
}
