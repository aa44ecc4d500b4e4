/**
 * Tells when somebody may have taken away what `routes.ts` has set: a rule or a route of ours (`ip rule flush`), an
 * address of the device, or the device set down. Heard from the kernel, so that a quiet host costs nothing.
 * Removals of our own are told too; whoever is told has to look.
 */
import { native } from './ffi.ts';
import { attributesFrom, listen, netlinkProtocols } from './netlink.ts';
import { isOurPreference, isOurTable } from './route-plan.ts';

/** @returns stops it. @throws SallyportError tun_unavailable */
export function watchRoutes(device: string, onRemoved: () => void): () => void {
  const index = native().if_nametoindex(Buffer.from(`${device}\0`, 'latin1'));
  return listen(netlinkProtocols.route, groups, (type, body) => {
    if (type === undefined || isRemoval(type, body, index)) onRemoved();
  });
}

/** rtnetlink(7): links, addresses, routes and rules of both families, as bits. */
const groups = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | (1 << 18);
const RTM_NEWLINK = 16;
const RTM_DELADDR = 21;
const RTM_DELROUTE = 25;
const RTM_DELRULE = 33;
const RTA_TABLE = 15;
const FRA_PRIORITY = 6;
const IFF_UP = 1;
/** struct rtmsg and struct fib_rule_hdr alike. */
const headerBytes = 12;

export function isRemoval(type: number, body: Buffer, index: number): boolean {
  if (body.length < headerBytes) return false;
  switch (type) {
    case RTM_NEWLINK:
      return body.readInt32LE(4) === index && (body.readUInt32LE(8) & IFF_UP) === 0;
    case RTM_DELADDR:
      return body.readUInt32LE(4) === index;
    case RTM_DELROUTE:
      return isOurTable(numberIn(body, RTA_TABLE));
    case RTM_DELRULE:
      return isOurPreference(numberIn(body, FRA_PRIORITY));
    default:
      return false;
  }
}

function numberIn(body: Buffer, attribute: number): number {
  const value = attributesFrom(body, headerBytes).get(attribute);
  return value?.length === 4 ? value.readUInt32LE(0) : 0;
}
