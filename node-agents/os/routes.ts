/**
 * Sets and removes the rules and routes that send protected addresses into the TUN device (what they are:
 * `route-plan.ts`). Starts from whatever a killed daemon left: what is right stays in place, so that nothing
 * is open for a moment, the rest is replaced.
 */
import { type Family, ipBatch, ipJson } from './ip.ts';
import { loosen } from './reverse-path.ts';
import {
  closedPrefixes,
  compareRoutes,
  compareRules,
  type ListedRoute,
  type ListedRule,
  type RoutePlan,
  routesOf,
  rulesOf,
  tables,
} from './route-plan.ts';
import { kernelHasIpv6 } from './support.ts';

export interface Routes {
  /** The protected prefixes changed (ACL). Calls are carried out one after the other. */
  setPrefixes(prefixes: readonly string[]): Promise<void>;
  /** Sets again what others have removed (`ip rule flush`). @returns what that was, without addresses. */
  repair(): Promise<string[]>;
  /** Removes everything of ours. */
  remove(): Promise<void>;
}

/**
 * The device must be open already. In order: unreachable routes, rules, the device, its routes.
 * @param keep leave what was set when it fails: it was closed before, or somebody will try again.
 * @throws SallyportError `tun_unavailable`, `routes_failed`; what was set until then is removed again.
 */
export async function installRoutes(first: RoutePlan, keep = false): Promise<Routes> {
  let plan = first;
  try {
    await apply(plan);
  } catch (error) {
    if (!keep) await removeRoutes();
    throw error;
  }
  let last: Promise<void> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.then(
      () => {},
      () => {},
    );
    return turn;
  };
  return {
    setPrefixes: (prefixes) =>
      inTurn(() => {
        plan = { ...plan, prefixes };
        return applyRoutes(plan);
      }),
    repair: () =>
      inTurn(async () => {
        const missing = await missingOf(plan);
        if (missing.length > 0) await apply(plan);
        return missing;
      }),
    remove: () => inTurn(removeRoutes),
  };
}

/** The prefixes that a killed daemon has left closed. */
export async function leftPrefixes(): Promise<string[]> {
  const families = kernelHasIpv6() ? ([4, 6] as const) : ([4] as const);
  const listed = await Promise.all(
    families.map(async (family) => closedPrefixes((await listedRoutes(family)).protected, family)),
  );
  return listed.flat();
}

/** Removes what a killed daemon may have left; that nothing is there is no failure. */
export async function removeRoutes(): Promise<void> {
  for (const family of kernelHasIpv6() ? ([4, 6] as const) : ([4] as const)) {
    const { remove } = compareRules([], await listedRules(family), family);
    await ipBatch(
      [
        ...remove.map((rule) => `rule del ${rule}`),
        `route flush table ${tables.protected}`,
        `route flush table ${tables.dns}`,
      ],
      { family, force: true },
    );
  }
}

async function apply(asked: RoutePlan): Promise<void> {
  const plan = { ...asked, lenient: loosen(asked.device) };
  for (const family of familiesOf(plan)) {
    const { closed } = routesOf(plan, family);
    await ipBatch(
      closed.map((route) => `route replace ${route} ${kept}`),
      { family },
    );
    const rules = compareRules(rulesOf(plan, family), await listedRules(family), family);
    await ipBatch(
      rules.add.map((rule) => `rule add ${rule} ${kept}`),
      { family },
    );
    await ipBatch(
      rules.remove.map((rule) => `rule del ${rule}`),
      { family, force: true },
    );
  }
  await raiseDevice(plan);
  await applyRoutes(plan);
}

/**
 * What others take to be the kernel's own they leave alone: systemd-networkd removes rules and unreachable
 * routes that it does not know whenever it configures a link, and protected addresses would be open.
 */
const kept = 'protocol kernel';

/** Datagrams that wait for the daemon; the kernel's 500 are 8 ms of 60,000 a second. */
const queueLength = 4096;

async function raiseDevice({ device, addresses, ipv6 }: RoutePlan): Promise<void> {
  const wanted = addresses.filter((address) => ipv6 || !address.includes(':'));
  await ipBatch([
    // No link-local address: the kernel would send router solicitations into the device.
    ...(ipv6 ? [`link set dev ${device} addrgenmode none`] : []),
    `link set dev ${device} mtu 65535 txqueuelen ${queueLength} multicast off up`,
    ...wanted.map(
      (address) => `addr replace ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`,
    ),
  ]);
}

/** Adds before it removes; closed before open, so that a prefix is never without its unreachable route. */
async function applyRoutes(plan: RoutePlan): Promise<void> {
  for (const family of familiesOf(plan)) {
    const { closed, open } = routesOf(plan, family);
    const { add, remove } = compareRoutes([...closed, ...open], await listedRoutes(family), family);
    await ipBatch(
      add.map((route) => `route replace ${route} ${kept}`),
      { family },
    );
    await ipBatch(
      remove.map((route) => `route del ${route}`),
      { family, force: true },
    );
  }
}

interface ListedLink {
  flags: string[];
  addr_info: { local: string; prefixlen: number }[];
}

async function missingOf(asked: RoutePlan): Promise<string[]> {
  const plan = { ...asked, lenient: loosen(asked.device) };
  const missing: string[] = [];
  let rules = 0;
  let routes = 0;
  for (const family of familiesOf(plan)) {
    rules += compareRules(rulesOf(plan, family), await listedRules(family), family).add.length;
    const { closed, open } = routesOf(plan, family);
    routes += compareRoutes([...closed, ...open], await listedRoutes(family), family).add.length;
    const [link] = await ipJson<ListedLink>(family, `address show dev ${plan.device}`);
    const there = new Set(link?.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
    const wanted = plan.addresses.filter((address) => address.includes(':') === (family === 6));
    if (!wanted.every((address) => there.has(address))) missing.push(`IPv${family} address of the device`);
    if (family === 4 && link?.flags.includes('UP') === false) missing.push('the device was down');
  }
  if (rules > 0) missing.push(`${rules} rules`);
  if (routes > 0) missing.push(`${routes} routes`);
  return missing;
}

const familiesOf = (plan: RoutePlan): Family[] => (plan.ipv6 ? [4, 6] : [4]);

const listedRules = (family: Family) => ipJson<ListedRule>(family, 'rule show');

const listedRoutes = async (family: Family) => ({
  protected: await ipJson<ListedRoute>(family, `route show table ${tables.protected}`),
  dns: await ipJson<ListedRoute>(family, `route show table ${tables.dns}`),
});
