/**
 * A second, smallest host for the Controller: its app in this process over node:sqlite, with a clock, a
 * limiter and control channels that a test holds in its hand. That the app runs here unchanged also shows
 * that it knows its host through `workers/controller/ports.ts` alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import type { FromControllerOf } from '#schema/control/messages.ts';
import * as tables from '#schema/db/tables.ts';
import { createController } from '#workers/controller/app.ts';
import type { Database, Ports, Presence, RevocationReceipt } from '#workers/controller/ports.ts';
import type { Answer } from '../world/admin.ts';

const migrations = new URL('../../schema/db/migrations/', import.meta.url).pathname;
const operatorToken = 'operator-of-the-fake-host';
const baseUrl = 'https://controller.example';

export class ControllerHost {
  /** Milliseconds since the epoch, by the Controller’s clock. */
  now = Date.UTC(2026, 10, 21);
  /** Which attempts the limiter lets through. */
  allows: (bucket: string, key: string) => boolean = () => true;
  present: Presence[] = [];
  receipt: RevocationReceipt = { agents: [], complete: true };
  readonly changed: string[] = [];
  readonly revoked: FromControllerOf<'revoke'>[] = [];
  readonly logs: { event: string; fields: Record<string, unknown> | undefined }[] = [];
  readonly database = new DatabaseSync(':memory:');
  readonly #app: ReturnType<typeof createController>;
  readonly #deferred = new Set<Promise<unknown>>();

  constructor() {
    for (const name of readdirSync(migrations)
      .filter((name) => name.endsWith('.sql'))
      .sort())
      this.database.exec(readFileSync(join(migrations, name), 'utf8'));
    this.#app = createController(this.#ports());
  }

  async ask(
    method: string,
    path: string,
    token: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await this.#app.request(path.startsWith('http') ? path : `${baseUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: Answer = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: answer };
  }

  /** A Tenant; the functions ask as its administrator. */
  async tenant(slug = 'acme') {
    const made = await this.ask('POST', '/tenants', operatorToken, { slug });
    const token: string = made.body.api_token.token;
    const ask =
      (method: string) =>
      async (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
        (await this.ask(method, path, token, body, headers)).body;
    return {
      id: made.body.id as string,
      token,
      get: ask('GET'),
      post: ask('POST'),
      patch: ask('PATCH'),
      delete: ask('DELETE'),
    };
  }

  /** The operator lists a relay. @returns its id. */
  async relay(name: string): Promise<string> {
    return (await this.ask('POST', '/relays', operatorToken, { name, url: `https://${name}.example` })).body
      .id;
  }

  sql(text: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.database.prepare(text).all(...values);
  }

  /** All that the app handed over to be finished later. */
  async settled(): Promise<void> {
    while (this.#deferred.size > 0) await Promise.all(this.#deferred);
  }

  #ports(): Ports {
    const query = (sql: string, params: unknown[]) => {
      const statement = this.database.prepare(sql);
      statement.setReturnArrays(true);
      return { rows: statement.all(...(params as SQLInputValue[])) };
    };
    const database = drizzle(
      async (sql, params) => query(sql, params),
      async (batch) => {
        this.database.exec('BEGIN');
        try {
          const results = batch.map(({ sql, params }) => query(sql, params));
          this.database.exec('COMMIT');
          return results;
        } catch (error) {
          this.database.exec('ROLLBACK');
          throw error;
        }
      },
      { schema: tables },
    );
    return {
      database: database as unknown as Database,
      channels: {
        configurationChanged: async (tenant) => void this.changed.push(tenant),
        revoke: async (_tenant, order) => {
          this.revoked.push(order);
          return this.receipt;
        },
        passOffer: async () => ({ ok: false, code: 'connector_offline' }),
        passAnswer: async () => {},
        probe: async () => ({ ok: false, code: 'connector_offline' }),
        open: async () => new Response(null, { status: 501 }),
        present: async () => this.present,
        relaysChanged: async () => void this.changed.push('relays'),
      },
      clock: () => this.now,
      random: (length) => Uint8Array.from(randomBytes(length)),
      vault: {
        seal: async (plain) => Buffer.from(plain).toString('base64'),
        open: async (sealed) => Uint8Array.from(Buffer.from(sealed, 'base64')),
      },
      limiter: { allow: async (bucket, key) => this.allows(bucket, key) },
      log: (_level, event, fields) => void this.logs.push({ event, fields }),
      defer: (work) => {
        const done = work.finally(() => this.#deferred.delete(done));
        this.#deferred.add(done);
      },
      assets: async () => new Response(null, { status: 404 }),
      settings: {
        baseUrl,
        operatorTokenHash: createHash('sha256').update(operatorToken).digest('base64url'),
        edgeRelays: [],
        longestTokenLife: Number.POSITIVE_INFINITY,
      },
    };
  }
}
