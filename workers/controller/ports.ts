/**
 * All that the Controller knows of its host. A host (`hosts/cloudflare.ts`) implements these and hands them
 * to `createController`; a second host needs nothing else. Nothing in the app reads a clock, a generator of
 * randomness, a binding or an environment variable by itself.
 */
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import type { FromControllerOf, ProbeHop, RelayEntry } from '#schema/control/messages.ts';
import type * as tables from '#schema/db/tables.ts';
import type { Verdict } from '#schema/errors.ts';
import type { CredentialId, Id, PrincipalId } from '#schema/ids.ts';

/** D1 through drizzle, or anything that offers the same asynchronous SQLite and atomic batches. */
export type Database = BaseSQLiteDatabase<'async', unknown, typeof tables> & {
  /** All or nothing, in order. */
  batch<const U extends BatchItem<'sqlite'>, T extends Readonly<[U, ...U[]]>>(
    queries: T,
  ): Promise<BatchResponse<T>>;
};

export interface Ports {
  database: Database;
  channels: Channels;
  clock: Clock;
  /** Cryptographically strong bytes. */
  random(length: number): Uint8Array<ArrayBuffer>;
  vault: Vault;
  limiter: Limiter;
  log: Log;
  /** Hands a promise to the host to finish after the answer has gone out. */
  defer(work: Promise<unknown>): void;
  /** A file of the built console, by its path: `/index.html`; 404 where there is none. */
  assets(path: string): Promise<Response>;
  settings: Settings;
}

/** Milliseconds since the epoch. */
export type Clock = () => number;

export interface Settings {
  /** Where the deployment is reached, without a final slash. The Tenant's URL is `<base>/t/<slug>` or `https://<hostname>`. */
  baseUrl: string;
  /** SHA-256 (base64url) of the deployment's operator token, which alone may create Tenants and relays. */
  operatorTokenHash: string;
  /** Relays that live beside the Controller itself. */
  edgeRelays: RelayEntry[];
  /** Seconds that no token outlives, where that is less than `schema/token/kinds.ts` allows: to watch renewals. */
  longestTokenLife: number;
}

/** The live side: control channels of one Tenant's agents, wherever they are held. */
export interface Channels {
  /** Something that an ACL shows has changed: recompute and push to whom it concerns. */
  configurationChanged(tenant: Id<'tenant'>): Promise<void>;
  /** Cut everywhere, Connectors first; resolves when all that are connected confirmed, or after `timeoutMs`. */
  revoke(
    tenant: Id<'tenant'>,
    order: FromControllerOf<'revoke'>,
    timeoutMs: number,
  ): Promise<RevocationReceipt>;
  /** Takes over an upgrade request of an agent whose identity has been verified. */
  open(request: Request, agent: VerifiedAgent): Promise<Response>;
  /** Tells a Connector of a Client that wants a direct path to it. A refusal: it cannot be told, or not now. */
  passOffer(
    tenant: Id<'tenant'>,
    connector: Id<'connector'>,
    client: Id<'instance'>,
    message: FromControllerOf<'offer'>,
  ): Promise<Verdict<object>>;
  /** Tells the Client what the Connector answers. */
  passAnswer(
    tenant: Id<'tenant'>,
    client: Id<'instance'>,
    message: FromControllerOf<'answer'>,
  ): Promise<void>;
  /** Has a Connector try a destination. A refusal: it cannot be asked, not now, or does not answer in time. */
  probe(
    tenant: Id<'tenant'>,
    connector: Id<'connector'>,
    message: FromControllerOf<'probe'>,
    timeoutMs: number,
  ): Promise<Verdict<{ hops: ProbeHop[] }>>;
  /** Which agents hold a channel now. */
  present(tenant: Id<'tenant'>): Promise<Presence[]>;
  /** The list of relays has changed: tell every agent. */
  relaysChanged(): Promise<void>;
}

/** Who opens a control channel; settled by access token and proof before the upgrade. */
export type VerifiedAgent =
  | {
      role: 'client';
      tenant: Id<'tenant'>;
      id: Id<'instance'>;
      principal: PrincipalId;
      /** What it logged in with. */
      key: CredentialId;
      jkt: string;
      address: string;
    }
  | {
      role: 'connector';
      tenant: Id<'tenant'>;
      id: Id<'connector'>;
      network: Id<'remoteNetwork'>;
      hash: string;
      jkt: string;
      address: string;
    }
  | { role: 'relay'; id: Id<'relay'>; jkt: string; address: string };

export interface Presence {
  role: 'client' | 'connector';
  id: string;
  /** Milliseconds since the epoch. */
  since: number;
  lastSeen: number;
  aclVersion: number | null;
}

export interface RevocationReceipt {
  agents: {
    role: 'connector' | 'relay';
    id: string;
    confirmed: boolean;
    flowsCut: number;
    tunnelsCut: number;
    /** From the order to the confirmation. */
    ms: number;
  }[];
  complete: boolean;
}

/** Seals secrets at rest under the deployment's key-encryption key (AES-256-GCM; the context is authenticated). */
export interface Vault {
  seal(plain: Uint8Array<ArrayBuffer>, context: string): Promise<string>;
  open(sealed: string, context: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** Counts an attempt under a key; false when there were too many lately. */
export interface Limiter {
  allow(bucket: 'api' | 'failed_login', key: string): Promise<boolean>;
}

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  event: string,
  fields?: Record<string, unknown>,
) => void;
