/**
 * A set of ids that count for a limited time, kept in the object's own storage as well: what was used or
 * revoked before the object slept is so afterwards. See `schema/relay/once.ts`.
 */
import { ExpiringSet, type Use } from '#schema/relay/once.ts';

/** Additions between two cleanings of the table. */
const cleanEvery = 256;

export class StoredSet extends ExpiringSet {
  readonly #sql: SqlStorage;
  readonly #name: string;
  #added = 0;

  constructor(sql: SqlStorage, name: string, capacity: number, nowMs: number) {
    super(capacity);
    this.#sql = sql;
    this.#name = name;
    // Anybody can wake an object by a made-up name; it must not leave anything behind.
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'kept'").toArray().length === 0) return;
    const rows = sql.exec<{ id: string; until_ms: number }>(
      'SELECT id, until_ms FROM kept WHERE name = ? AND until_ms > ?',
      name,
      nowMs,
    );
    for (const { id, until_ms } of rows) super.add({ id, untilMs: until_ms }, nowMs);
  }

  override add(use: Use, nowMs: number): boolean {
    if (!super.add(use, nowMs)) return false;
    if (this.#added++ % cleanEvery === 0) {
      this.#sql.exec(
        'CREATE TABLE IF NOT EXISTS kept (name TEXT, id TEXT, until_ms INTEGER, PRIMARY KEY (name, id)) WITHOUT ROWID',
      );
      this.#sql.exec('DELETE FROM kept WHERE until_ms <= ?', nowMs);
    }
    this.#sql.exec('INSERT OR REPLACE INTO kept VALUES (?, ?, ?)', this.#name, use.id, use.untilMs);
    return true;
  }
}
