/**
 * An ACL of a given size as large Tenants have them: names, wildcards over sub-domains, single addresses and
 * nested networks of both families; and destinations that fall under each kind.
 */
import type { AclResource, Destination } from '#schema/acl/document.ts';

export const kinds = ['name', 'wildcard', 'IPv4', 'IPv6', 'none'] as const;
export type Kind = (typeof kinds)[number];

const hex = (n: number) => n.toString(16);
const v4 = (i: number) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const v6 = (i: number) => `fd00:${hex(i >> 8)}:${hex(i & 255)}`;

/** The i-th pattern: four in ten are names, two each of the rest; every address is nested in a network. */
function address(i: number): string {
  const group = Math.floor(i / 10);
  if (i % 10 < 4) return `host-${i}.zone-${group % 97}.corp.internal`;
  if (i % 10 < 6) return `*.team-${i}.corp.internal`;
  if (i % 10 === 6) return `${v4(group << 4)}/28`;
  if (i % 10 === 7) return v4((group << 4) + 5);
  if (i % 10 === 8) return `${v6(group)}::/48`;
  return `${v6(group)}::5`;
}

export const aclOf = (size: number): AclResource[] =>
  Array.from({ length: size }, (_, i) => ({
    id: `res_${i}`,
    address: address(i),
    tcp: [{ from: 443, to: 443 }],
    udp: 'none' as const,
    icmp: false,
  }));

/** Spread over the whole ACL, so that a large one does not stay in the processor's cache. */
export function destinations(kind: Kind, size: number, count: number): Destination[] {
  const groups = Math.max(1, Math.floor(size / 10));
  return Array.from({ length: count }, (_, n) => {
    const group = (n * 7919) % groups;
    return { protocol: 'tcp', port: 443, host: host(kind, group, n) };
  });
}

function host(kind: Kind, group: number, n: number): string {
  switch (kind) {
    case 'name':
      return address(group * 10 + (n % 4));
    case 'wildcard':
      return `node-${n % 50}.team-${group * 10 + 4 + (n % 2)}.corp.internal`;
    case 'IPv4':
      return v4((group << 4) + (n % 2 ? 5 : 7));
    case 'IPv6':
      return `${v6(group)}::${n % 2 ? 5 : 7}`;
    case 'none':
      return n % 2 ? `host-${group}.elsewhere.example` : `192.168.${n % 256}.9`;
  }
}
