/**
 * A second name for a Resource. The Client asks for the alias, the Connector connects to the Resource's
 * address: so only one host can have one, never a network or a wildcard.
 */
import { refuse, type Verdict } from '#schema/errors.ts';
import { parseIp } from '#schema/name/ip.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { type AddressKind, toAscii } from './address.ts';

/** @param of the kind of the Resource's address. */
export function parseAlias(text: string, of: AddressKind): Verdict<{ alias: string }, 'alias_invalid'> {
  if (of === 'network' || of === 'wildcard')
    return refuse('alias_invalid', `${text}: an alias needs a Resource of one host; this address is a ${of}`);
  const written = text.trim();
  if (isWildcard(written)) return refuse('alias_invalid', `${text}: without wildcards`);
  const alias = toAscii(written);
  if (alias === undefined || parseIp(alias)) return refuse('alias_invalid', `${text}: not a domain name`);
  if (!alias.includes('.')) return refuse('alias_invalid', `${text}: needs a dot`);
  if (/\.(local|localhost)$/.test(alias))
    return refuse('alias_invalid', `${text}: names under .local and .localhost never leave the host`);
  return { ok: true, alias };
}
