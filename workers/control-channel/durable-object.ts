/**
 * Holds the control channels of one share of a Tenant's agents.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Bindings } from '#workers/hosts/bindings.ts';

export class ControlChannel extends DurableObject<Bindings> {}
