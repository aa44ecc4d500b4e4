/**
 * The ledgers (`schema/acl/ledger.ts`) of one object, in its own SQLite: one row per entry, so that a change
 * writes what changed. A ledger that nobody has asked for within a day is dropped; its agents then get a
 * snapshot once.
 */
import { changedKeys, type Ledger, type Step } from '#schema/acl/ledger.ts';

const unusedMs = 86_400_000;
const pruneEveryMs = 3_600_000;

const tables = `
  CREATE TABLE IF NOT EXISTS ledgers (
    subject TEXT PRIMARY KEY, version INTEGER NOT NULL, steps TEXT NOT NULL, used_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ledger_entries (
    subject TEXT NOT NULL, key TEXT NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (subject, key)
  ) WITHOUT ROWID;
`;

export class LedgerStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(tables);
  }

  /** @param seen the version at which the subject was last looked at, if it was. */
  read<E>(subject: string, seen: number): Ledger<E> | undefined {
    const { sql } = this.#storage;
    const [row] = sql.exec('SELECT version, steps FROM ledgers WHERE subject = ?', subject).toArray();
    if (!row) return undefined;
    const version = row['version'] as number;
    const entries: Record<string, E> = {};
    for (const { key, entry } of sql.exec(
      'SELECT key, entry FROM ledger_entries WHERE subject = ?',
      subject,
    )) {
      entries[key as string] = JSON.parse(entry as string) as E;
    }
    return {
      version,
      seen: Math.max(version, seen),
      entries,
      steps: JSON.parse(row['steps'] as string) as Step[],
    };
  }

  write<E>(subject: string, before: Ledger<E> | undefined, after: Ledger<E>, nowMs: number): void {
    if (before && after.version === before.version) return;
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      for (const key of changedKeys(before?.entries ?? {}, after.entries)) {
        if (Object.hasOwn(after.entries, key)) {
          const entry = JSON.stringify(after.entries[key]);
          sql.exec('INSERT OR REPLACE INTO ledger_entries VALUES (?, ?, ?)', subject, key, entry);
        } else sql.exec('DELETE FROM ledger_entries WHERE subject = ? AND key = ?', subject, key);
      }
      const steps = JSON.stringify(after.steps);
      sql.exec('INSERT OR REPLACE INTO ledgers VALUES (?, ?, ?, ?)', subject, after.version, steps, nowMs);
    });
  }

  /** @param inUse subjects that have a channel now. */
  prune(inUse: ReadonlySet<string>, nowMs: number): void {
    const { sql, kv } = this.#storage;
    if (nowMs - (kv.get<number>('pruned_at') ?? 0) < pruneEveryMs) return;
    kv.put('pruned_at', nowMs);
    for (const subject of inUse) sql.exec('UPDATE ledgers SET used_at = ? WHERE subject = ?', nowMs, subject);
    this.#storage.transactionSync(() => {
      sql.exec('DELETE FROM ledgers WHERE used_at < ?', nowMs - unusedMs);
      sql.exec('DELETE FROM ledger_entries WHERE subject NOT IN (SELECT subject FROM ledgers)');
    });
  }
}
