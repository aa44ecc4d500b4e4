/**
 * The edge relay: one object per Connector hash.
 */
import { DurableObject } from 'cloudflare:workers';

export class Relay extends DurableObject {}
