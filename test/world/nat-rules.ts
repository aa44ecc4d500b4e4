/**
 * What the routers of `nat-lab.ts` do, in the words of nftables. The kinds go by what RFC 4787 and RFC 5382
 * tell apart: what a mapping depends on, who may come in by it, and what becomes of the others.
 */

/** What others know a NAT by: mapping / filtering. */
export const routerKinds = {
  none: 'public address, nothing in between',
  firewall: 'public address, a stateful firewall',
  full: 'NAT, endpoint-independent mapping and filtering (full cone)',
  address: 'NAT, endpoint-independent mapping, address-dependent filtering (restricted cone)',
  port: 'NAT, endpoint-independent mapping, address-and-port-dependent filtering (netfilter’s own)',
  resetting: 'the same, answering RST to what it does not know',
  pooled: 'NAT, address-dependent mapping: another outside address for each destination',
  symmetric: 'NAT, address-and-port-dependent mapping: another port for each destination',
} as const;
export type RouterKind = keyof typeof routerKinds;

export interface RouterFacts {
  outside: string;
  /** Another address of the router. */
  second: string;
  /** Where relays are. */
  relays: string;
}

/** The LANs of a router know nothing of each other. */
const apart = `
table ip apart {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ct state established,related accept
    ct status dnat accept
    iifname "lan1" oifname "lan2" drop
    iifname "lan2" oifname "lan1" drop
  }
}`;

const statefulInput = `
table ip guard {
  chain input {
    type filter hook input priority 0; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" meta l4proto icmp accept
    iifname "wan" drop
  }
}`;

const statefulForward = `
table ip shield {
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "wan" ct state established,related accept
    iifname "wan" drop
  }
}`;

const masquerade = (how = '') => `
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade ${how}
  }
}`;

/** Remembers which inside address has which port outside, and leads there whoever comes, from either side. */
const cone = (outside: string) => `
table ip nat {
  map inside {
    type inet_service : ipv4_addr
    flags dynamic
    size 65535
  }
  chain pre {
    type nat hook prerouting priority dstnat;
    ip daddr ${outside} meta l4proto tcp dnat to tcp dport map @inside
  }
  chain post {
    type nat hook postrouting priority srcnat;
    ct status dnat ip saddr 192.168.0.0/16 snat to ${outside}
    oifname "wan" meta l4proto tcp update @inside { tcp sport : ip saddr }
    oifname "wan" masquerade
  }
}`;

/** Of those who are led inside, only addresses that were spoken to from there. */
const onlySpokenTo = `
table ip shield {
  set spoken {
    type ipv4_addr . inet_service . ipv4_addr
    flags dynamic
    size 65535
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    oifname "wan" meta l4proto tcp update @spoken { ip saddr . tcp sport . ip daddr }
    iifname "wan" ct state established,related accept
    iifname "wan" ip daddr . tcp dport . ip saddr @spoken accept
    iifname "wan" drop
  }
}`;

const pooled = ({ outside, second, relays }: RouterFacts) => `
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat;
    oifname "wan" ip daddr ${relays} snat to ${outside}
    oifname "wan" snat to ${second}
  }
}`;

export const rulesetOf = (kind: RouterKind, facts: RouterFacts): string => apart + natOf(kind, facts);

function natOf(kind: RouterKind, facts: RouterFacts): string {
  switch (kind) {
    case 'none':
      return '';
    case 'firewall':
      return statefulInput + statefulForward;
    case 'full':
      return statefulInput + cone(facts.outside);
    case 'address':
      return statefulInput + cone(facts.outside) + onlySpokenTo;
    case 'port':
      return statefulInput + statefulForward + masquerade();
    case 'resetting':
      return statefulForward + masquerade();
    case 'pooled':
      return statefulInput + statefulForward + pooled(facts);
    case 'symmetric':
      return statefulInput + statefulForward + masquerade('fully-random');
  }
}
