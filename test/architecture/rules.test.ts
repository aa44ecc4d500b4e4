/**
 * The rules of the tree, as tests: who may import whom, who may touch a clock, the environment or a child
 * process, that every Tenant-owned table says whose rows they are, and that each file says what it is.
 */
import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { describe, expect, test } from 'vitest';
import * as tables from '#schema/db/tables.ts';
import { productSources, type Source } from './sources.ts';

const sources = productSources();

/** The first rule whose folder holds the file counts. `may`: project folders and packages. */
const folders: { under: string; may: (string | RegExp)[] }[] = [
  { under: 'schema/db/', may: ['schema/', 'drizzle-orm'] },
  { under: 'schema/', may: ['schema/', 'jose', 'zod'] },
  {
    under: 'workers/local/',
    may: ['workers/local/', 'schema/', /^node:/, 'esbuild', 'jose', 'miniflare', 'oidc-provider', 'vite'],
  },
  { under: 'workers/console/vite.config.ts', may: ['vite', '@vitejs/plugin-react'] },
  {
    // Of the Controller, only the API's type.
    under: 'workers/console/',
    may: [
      'workers/console/',
      'workers/controller/routes/index.ts',
      'schema/',
      'hono/client',
      'lucide-react',
      /^@mantine\//,
      /^@tanstack\/react-(query|router|table)$/,
      /^react(-dom)?(\/|$)/,
    ],
  },
  {
    under: 'workers/',
    may: [
      'workers/',
      'schema/',
      'hono',
      '@hono/zod-openapi',
      'drizzle-orm',
      'jose',
      'oauth4webapi',
      'scim-patch',
      'scim2-parse-filter',
      'zod',
      'cloudflare:workers',
    ],
  },
  ...['client', 'connector', 'relay', 'proxy'].map((agent) => ({
    under: `node-agents/${agent}/`,
    may: [
      `node-agents/${agent}/`,
      'node-agents/link/',
      'node-agents/process/',
      'node-agents/os/',
      'schema/',
      /^node:/,
      'jose',
      'undici',
      'ws',
      'zod',
    ],
  })),
  {
    under: 'node-agents/link/',
    may: ['node-agents/link/', 'node-agents/process/', 'schema/', /^node:/, 'jose', 'undici', 'ws'],
  },
  { under: 'node-agents/process/', may: ['node-agents/process/', 'schema/', /^node:/] },
  {
    under: 'node-agents/operator/',
    may: [
      'node-agents/operator/',
      'node-agents/process/',
      'node-agents/link/',
      'schema/',
      /^node:/,
      'undici',
    ],
  },
  { under: 'node-agents/os/', may: ['node-agents/os/', 'node-agents/process/', 'schema/', /^node:/] },
  { under: 'node-agents/', may: ['node-agents/', 'schema/', /^node:/] },
];

const allows = (may: (string | RegExp)[], target: string) =>
  may.some((one) =>
    typeof one !== 'string'
      ? one.test(target)
      : one.endsWith('/')
        ? target.startsWith(one)
        : target === one || target.startsWith(`${one}/`),
  );

const offenders = (wrong: (source: Source) => boolean | string[]) =>
  sources.flatMap((source) => {
    const found = wrong(source);
    if (found === false || (Array.isArray(found) && found.length === 0)) return [];
    return [Array.isArray(found) ? `${source.path}: ${found.join(', ')}` : source.path];
  });

const outside =
  (...places: string[]) =>
  (source: Source) =>
    !places.some((place) => source.path.startsWith(place));

describe('imports', () => {
  test('every file imports only what its folder may', () => {
    expect(
      offenders(({ path, imports }) => {
        const rule = folders.find(({ under }) => path.startsWith(under));
        return imports.map(({ target }) => target).filter((target) => !rule || !allows(rule.may, target));
      }),
    ).toEqual([]);
  });

  test('a connection is cut in the one way that always closes it', () => {
    expect(
      offenders(({ path, text }) =>
        path === 'node-agents/link/reset-socket.ts' ? false : text.includes('.resetAndDestroy('),
      ),
    ).toEqual([]);
  });

  test('the tables are reached from the Controller and its channels alone', () => {
    expect(
      offenders(({ path, imports }) =>
        /^(schema\/db|workers\/(controller|control-channel|hosts|relay))\//.test(path)
          ? false
          : imports.some(({ target }) => target.startsWith('schema/db/')),
      ),
    ).toEqual([]);
  });
});

describe('the outside world comes in as an argument', () => {
  const realTime = /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/;
  const realRandomness = /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\bgetRandomValues\(/;

  test('schema knows neither clock nor randomness', () => {
    expect(
      offenders(
        ({ path, text }) => path.startsWith('schema/') && (realTime.test(text) || realRandomness.test(text)),
      ),
    ).toEqual([]);
  });

  test('the clock and the generator are read by hosts alone', () => {
    const inner = outside(
      'workers/hosts/',
      'workers/local/',
      'workers/console/src/browser/',
      'node-agents/process/',
      'node-agents/sallyport',
    );
    expect(offenders((s) => inner(s) && (realTime.test(s.text) || realRandomness.test(s.text)))).toEqual([]);
  });

  test('the environment is read in one place of the agents', () => {
    // The console's build says what React shall find there; it reads nothing.
    const inner = outside('workers/console/vite.config.ts', 'node-agents/process/config', 'workers/local/');
    expect(offenders((s) => inner(s) && /\bprocess\.env\b/.test(s.text))).toEqual([]);
  });

  test('child processes and foreign functions belong to os/', () => {
    const inner = outside('node-agents/os/');
    expect(
      offenders((s) => inner(s) && s.imports.some(({ target }) => /^node:(child_process|ffi)$/.test(target))),
    ).toEqual([]);
  });
});

describe('a start', () => {
  test('no agent loads all of fetch by an import of node:http', () => {
    const imported = /^import (?!type )[^;]*?from 'node:http';/m;
    expect(offenders(({ path, text }) => path.startsWith('node-agents/') && imported.test(text))).toEqual([]);
  });
});

describe('files', () => {
  test('each begins with a comment that says what it is', () => {
    expect(offenders(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))).toEqual([]);
  });

  test('none is longer than 400 lines', () => {
    expect(offenders(({ lines }) => lines > 400)).toEqual([]);
  });

  test('none bears a name that says nothing', () => {
    expect(
      offenders(({ path }) => /(^|\/)(utils?|common|helpers?|manager|misc)(\.ts|\/)/.test(path)),
    ).toEqual([]);
  });
});

describe('tables', () => {
  /** What belongs to the deployment and not to one Tenant. */
  const shared = new Set(['tenants', 'relays', 'deployment_keys', 'setup_codes', 'used_jtis']);

  test('each says which Tenant a row belongs to', () => {
    const without = Object.values(tables)
      .filter((table) => is(table, SQLiteTable))
      .filter((table) => !shared.has(getTableName(table)) && !('tenantId' in getTableColumns(table)))
      .map((table) => getTableName(table));
    expect(without).toEqual([]);
  });
});
