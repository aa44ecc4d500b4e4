/**
 * The networks of the benchmark (`test/world/namespaces.ts`), each with the same TCP as everything that is
 * measured here, and beside them two cables that Sallyport does not know: from the programs straight to the
 * servers. They are the baseline, what the plain proxy and the interceptor use, and what WireGuard's packets
 * cross.
 */
import { Namespaces, type Place } from '../../world/namespaces.ts';
import { configure } from '../host/namespace.ts';

export const iperfPort = 5201;

/** Addresses on the two cables. */
export const cables = {
  client: { near: '10.67.0.1', far: '10.67.0.2' },
  lan: { near: '10.68.0.1', far: '10.68.0.2' },
} as const;
/** Beyond the LAN's cable: an address of its own network would not be intercepted (`os/route-plan.ts`). */
export const intercepted = '10.70.0.1';

export async function layGround(): Promise<Namespaces> {
  const net = new Namespaces();
  try {
    for (const place of ['core', 'client', 'lan', 'connector', 'private'] satisfies Place[])
      await net.within(place, configure);
    for (const place of ['client', 'lan'] as const) {
      const { near, far } = cables[place];
      const there = `${place}0`;
      net.ip(place, `link add direct0 type veth peer name ${there} netns ${net.name('private')}`);
      net.ip(place, `addr add ${near}/24 dev direct0`);
      net.ip('private', `addr add ${far}/24 dev ${there}`);
      net.ip(place, 'link set direct0 up');
      net.ip('private', `link set ${there} up`);
    }
    net.ip('private', `addr add ${intercepted}/32 dev lo`);
    net.ip('private', `route replace 10.68.0.0/24 dev lan0 src ${intercepted}`);
    net.ip('lan', `route replace default via ${cables.lan.far}`);
  } catch (error) {
    net.close();
    throw error;
  }
  return net;
}
