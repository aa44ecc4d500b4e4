/**
 * The form in which a Resource is stored and compared, whatever spelling it was written in. The Controller
 * stores it; the operator's `apply` compares a document with it.
 */
import type { Ports } from '#schema/acl/document.ts';
import { refuse, type Verdict } from '#schema/errors.ts';
import { parseAddress } from './address.ts';
import { parseAlias } from './alias.ts';
import { canonicalPorts } from './ports.ts';

export interface Written {
  address: string;
  alias: string | null;
  tcp: Ports;
  udp: Ports;
  allowReserved: boolean;
}

/** The canonical form of what was written, or why it cannot be. */
export function canonical(written: Written): Verdict<{ fields: Written }> {
  const parsed = parseAddress(written.address, written);
  if (!parsed.ok) return parsed;
  const alias: Verdict<{ alias: string | null }> =
    written.alias === null ? { ok: true, alias: null } : parseAlias(written.alias, parsed.kind);
  if (!alias.ok) return alias;
  if (alias.alias === parsed.address) return refuse('alias_invalid', `${alias.alias} is the address already`);
  const tcp = canonicalPorts(written.tcp);
  if (!tcp.ok) return tcp;
  const udp = canonicalPorts(written.udp);
  if (!udp.ok) return udp;
  return {
    ok: true,
    fields: {
      address: parsed.address,
      alias: alias.alias,
      tcp: tcp.ports,
      udp: udp.ports,
      allowReserved: written.allowReserved,
    },
  };
}
