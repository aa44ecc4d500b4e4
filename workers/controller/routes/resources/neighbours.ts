/**
 * The other Resources of the Tenant that a Resource meets: those whose name or address it would take, and
 * those that match some of the same destinations. Remote Networks do not keep them apart, because a Client
 * sees all of them at once.
 */
import { and, eq, inArray, ne, or, type SQL, sql } from 'drizzle-orm';
import { resources } from '#schema/db/tables.ts';
import { refuse } from '#schema/errors.ts';
import { isWildcard } from '#schema/name/pattern-tree.ts';
import { overlapOf } from '#schema/resource/overlap.ts';
import type { Row, Scope } from '../../scope.ts';

type Placed = Pick<Row<typeof resources>, 'id' | 'address' | 'alias' | 'remoteNetworkId'>;

/** Why it cannot be where it wants to be, or undefined. */
export async function taken(scope: Scope, { id, address, alias, remoteNetworkId }: Placed) {
  const names = alias === null ? [address] : [address, alias];
  const claims: (SQL | undefined)[] = [
    and(eq(resources.remoteNetworkId, remoteNetworkId), eq(resources.address, address)),
    inArray(resources.alias, names),
    alias === null ? undefined : eq(resources.address, alias),
  ];
  const [holder] = await scope.select(resources, {
    where: and(ne(resources.id, id), or(...claims)),
    limit: 1,
  });
  if (!holder) return undefined;
  if (holder.address === address && holder.remoteNetworkId === remoteNetworkId)
    return refuse('address_taken', `${address} is the Resource ${holder.id} (${holder.name})`);
  const contested = holder.alias !== null && names.includes(holder.alias) ? holder.alias : alias;
  return refuse('alias_taken', `${contested} belongs to the Resource ${holder.id} (${holder.name})`);
}

/** At most 100, oldest first. */
export async function overlapsOf(scope: Scope, self: Placed) {
  const found: ReturnType<typeof tell>[] = [];
  for (const other of await scope.select(resources, {
    where: and(ne(resources.id, self.id), mayMeet(self)),
  })) {
    const overlap = overlapOf(self, other);
    if (overlap) found.push(tell(overlap));
    if (found.length === 100) break;
  }
  return found;
}

/** A literal can only meet itself and patterns, so most Resources need not be read. */
function mayMeet({ address, alias }: Placed): SQL | undefined {
  if (isWildcard(address) || address.includes('/')) return undefined;
  const names = alias === null ? [address] : [address, alias];
  return or(
    sql`${resources.address} glob '*[*?/]*'`,
    inArray(resources.address, names),
    inArray(resources.alias, names),
  );
}

const tell = ({ other, wins, why }: NonNullable<ReturnType<typeof overlapOf<Row<typeof resources>>>>) => ({
  resource_id: other.id,
  name: other.name,
  address: other.address,
  alias: other.alias,
  wins,
  why,
});
