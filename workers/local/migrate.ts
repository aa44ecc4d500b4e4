/**
 * Applies the migrations that the database has not seen, by the convention of `wrangler d1 migrations
 * apply`: the same table remembers their names, so that either tool can follow the other.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = new URL('../../schema/db/migrations/', import.meta.url).pathname;

const remember = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** What is used of D1. */
interface Database {
  prepare(sql: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
}
interface Statement {
  bind(...values: unknown[]): Statement;
  all<Row>(): Promise<{ results: Row[] }>;
}

/** @returns the names of those applied now. */
export async function migrate(database: Database): Promise<string[]> {
  await database.batch([database.prepare(remember)]);
  const { results } = await database.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const waiting = (await readdir(folder))
    .filter((name) => name.endsWith('.sql') && !applied.has(name))
    .sort();
  for (const name of waiting) {
    const statements = (await readFile(join(folder, name), 'utf8'))
      .split('--> statement-breakpoint')
      .map((text) => text.trim())
      .filter((text) => text !== '');
    await database.batch([
      ...statements.map((text) => database.prepare(text)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ]);
  }
  return waiting;
}
