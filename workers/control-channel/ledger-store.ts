/**
 * The ledgers (`schema/acl/ledger.ts`) of one object, in its own SQLite: one row per entry, so that a change
 * writes what changed. A ledger that nobody has asked for within a day is dropped; its agents then get a
 * snapshot once.
 */
import { changedKeys, type Ledger, type Step } from '#schema/acl/ledger.ts';

const unusedMs = 86_400_000;
const pruneEveryMs = 3_600_000;

type Row = { version: number; seen: number; steps: string };

const tables = `
  CREATE TABLE IF NOT EXISTS acl_ledgers (
    subject TEXT PRIMARY KEY, version INTEGER NOT NULL, seen INTEGER NOT NULL, steps TEXT NOT NULL,
    used_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS acl_ledger_entries (
    subject TEXT NOT NULL, key TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (subject, key)
  ) WITHOUT ROWID;
`;

export class LedgerStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(tables);
  }

  read<E>(subject: string): Ledger<E> | undefined {
    const { sql } = this.#storage;
    const [row] = sql
      .exec<Row>('SELECT version, seen, steps FROM acl_ledgers WHERE subject = ?', subject)
      .toArray();
    if (!row) return undefined;
    const entries: Record<string, E> = {};
    for (const { key, entry } of sql.exec<{ key: string; entry: string }>(
      'SELECT key, entry FROM acl_ledger_entries WHERE subject = ?',
      subject,
    )) {
      entries[key] = JSON.parse(entry) as E;
    }
    return { version: row.version, seen: row.seen, entries, steps: JSON.parse(row.steps) as Step[] };
  }

  write<E>(subject: string, before: Ledger<E> | undefined, after: Ledger<E>, nowMs: number): void {
    const { sql } = this.#storage;
    if (before?.version === after.version) {
      if (before.seen === after.seen) return;
      sql.exec('UPDATE acl_ledgers SET seen = ?, used_at = ? WHERE subject = ?', after.seen, nowMs, subject);
      return;
    }
    this.#storage.transactionSync(() => {
      for (const key of changedKeys(before?.entries ?? {}, after.entries)) {
        if (Object.hasOwn(after.entries, key)) {
          const entry = JSON.stringify(after.entries[key]);
          sql.exec('INSERT OR REPLACE INTO acl_ledger_entries VALUES (?, ?, ?)', subject, key, entry);
        } else sql.exec('DELETE FROM acl_ledger_entries WHERE subject = ? AND key = ?', subject, key);
      }
      const { version, seen, steps } = after;
      const row = [subject, version, seen, JSON.stringify(steps), nowMs];
      sql.exec('INSERT OR REPLACE INTO acl_ledgers VALUES (?, ?, ?, ?, ?)', ...row);
    });
  }

  /** @param inUse subjects that have a channel now. */
  prune(inUse: Iterable<string>, nowMs: number): void {
    const { sql, kv } = this.#storage;
    if (nowMs - (kv.get<number>('pruned_at') ?? 0) < pruneEveryMs) return;
    kv.put('pruned_at', nowMs);
    this.#storage.transactionSync(() => {
      for (const subject of inUse) {
        sql.exec('UPDATE acl_ledgers SET used_at = ? WHERE subject = ?', nowMs, subject);
      }
      sql.exec('DELETE FROM acl_ledgers WHERE used_at < ?', nowMs - unusedMs);
      sql.exec('DELETE FROM acl_ledger_entries WHERE subject NOT IN (SELECT subject FROM acl_ledgers)');
    });
  }
}
