/**
 * SCIM's filters (RFC 7644 §3.4.2.2) as SQL: parsed by a library, then translated for the attributes that the
 * tables have. An attribute that they do not have is refused by name rather than found in nobody.
 */
import { type SQL, sql } from 'drizzle-orm';
import { type Filter, parse } from 'scim2-parse-filter';
import { refuseScim, type ScimRefusal } from './answer.ts';

/** Attribute in lower case → how the table says it; `text` is compared whatever its case. */
export type Columns = Readonly<Record<string, { column: SQL; as: 'text' | 'exact' | 'boolean' | 'instant' }>>;

const longest = 2_000;
const mostParts = 50;

class Untranslatable extends Error {}

export function whereOf(
  text: string | undefined,
  columns: Columns,
): { ok: true; where: SQL | undefined } | ScimRefusal {
  if (text === undefined || text.trim() === '') return { ok: true, where: undefined };
  if (text.length > longest) return refuseScim(400, 'The filter is too long.', 'invalidFilter');
  try {
    const parts = { left: mostParts };
    return { ok: true, where: translate(parse(text), columns, '', parts) };
  } catch (error) {
    const why = error instanceof Untranslatable ? error.message : 'it is not in the syntax of RFC 7644';
    return refuseScim(400, `The filter cannot be used: ${why}.`, 'invalidFilter');
  }
}

function translate(filter: Filter, columns: Columns, within: string, parts: { left: number }): SQL {
  if (--parts.left < 0) throw new Untranslatable('it has too many parts');
  const inner = (one: Filter, path = within) => translate(one, columns, path, parts);
  switch (filter.op) {
    case 'and':
    case 'or': {
      const glue = filter.op === 'and' ? sql` and ` : sql` or `;
      return sql`(${sql.join(
        (filter as Extract<Filter, { filters: Filter[] }>).filters.map((one) => inner(one)),
        glue,
      )})`;
    }
    case 'not':
      return sql`not coalesce(${inner((filter as Extract<Filter, { filter: Filter }>).filter)}, 0)`;
    case '[]': {
      const { attrPath, valFilter } = filter as Extract<Filter, { valFilter: Filter }>;
      return inner(valFilter, `${attrPath}.`);
    }
    default:
      return compare(filter as Comparison, columns, within);
  }
}

type Comparison = Extract<Filter, { attrPath: string; op: 'eq' | 'pr' }> & { compValue?: unknown };

function compare({ op, attrPath, compValue }: Comparison, columns: Columns, within: string): SQL {
  const name = (within + attrPath).replace(/^urn:[^ ]*:(?=[a-z])/i, '').toLowerCase();
  // There is one e-mail address of work: asking for its type asks for nothing.
  if (name === 'emails.type' || name === 'emails.primary') return sql`1`;
  const known = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (!known) throw new Untranslatable(`${within}${attrPath} is not an attribute that can be filtered by`);
  const { column, as } = known;
  if (op === 'pr') return sql`${column} is not null`;
  if (as === 'boolean') {
    const value = typeof compValue === 'string' ? compValue.toLowerCase() === 'true' : compValue === true;
    if (op === 'eq') return sql`${column} = ${value ? 1 : 0}`;
    if (op === 'ne') return sql`${column} <> ${value ? 1 : 0}`;
    throw new Untranslatable(`${attrPath} is true or false`);
  }
  if (as === 'instant') return ordered(column, op, Date.parse(String(compValue)), attrPath);
  if (compValue === null) return op === 'ne' ? sql`${column} is not null` : sql`${column} is null`;
  const value = as === 'text' ? String(compValue).toLowerCase() : String(compValue);
  const side = as === 'text' ? sql`lower(${column})` : column;
  switch (op) {
    case 'eq':
      return sql`${side} = ${value}`;
    case 'ne':
      return sql`${side} is not ${value}`;
    case 'co':
      return sql`instr(${side}, ${value}) > 0`;
    case 'sw':
      return sql`substr(${side}, 1, ${value.length}) = ${value}`;
    case 'ew':
      return sql`substr(${side}, -${sql.raw(String(value.length))}) = ${value}`;
    default:
      throw new Untranslatable(`${op} does not fit ${attrPath}`);
  }
}

function ordered(column: SQL, op: string, at: number, name: string): SQL {
  const signs: Record<string, SQL> = {
    eq: sql`=`,
    ne: sql`<>`,
    gt: sql`>`,
    ge: sql`>=`,
    lt: sql`<`,
    le: sql`<=`,
  };
  const sign = signs[op];
  if (!sign || Number.isNaN(at)) throw new Untranslatable(`${name} is compared with a time`);
  return sql`${column} ${sign} ${at}`;
}
