/**
 * The demo's network: one Remote Network with a private page, a Connector inside it, a Service that may
 * reach the page on one port, and its Client. Run again, it finds what the last run left.
 */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin, Answer } from '../world/admin.ts';
import { PrivateDns } from '../world/private-dns.ts';
import { PrivateOrigin } from '../world/private-origin.ts';
import { World } from '../world/world.ts';
import { settlePeople } from './people.ts';

export const demoDefaults = { stateDir: '.sallyport/demo', portBase: 8700, proxyPort: 9999 };

export interface DemoFacts {
  admin_url: string;
  api_token: string;
  proxy: string;
  service_key: string;
  allowed_url: string;
  denied_url: string;
  tenant: string;
  console_url: string;
}

type Step = (step: string, fields: Record<string, unknown>) => void;

const hostName = 'intranet.demo.internal';

export async function startDemo(
  options: { stateDir: string; portBase?: number },
  onStep: Step,
): Promise<{ facts: DemoFacts; stop(): Promise<void> }> {
  const portBase = options.portBase ?? demoDefaults.portBase;
  const proxyPort = options.portBase === undefined ? demoDefaults.proxyPort : portBase + 3;
  const pagePort = portBase + 2;
  const peoplePort = portBase + 4;
  const pageAddress = `127.83.${portBase >> 8}.${portBase & 255 || 1}`;
  const stateDir = join(process.cwd(), options.stateDir);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });

  const origin = await PrivateOrigin.start(pageAddress, pagePort);
  const dns = await PrivateDns.start({ [hostName]: [pageAddress] });
  const world = await World.start({
    stateDir,
    portBase,
    slug: 'demo',
    p2p: 'auto',
    demoPeople: peoplePort,
    onStep,
  }).catch(async (error) => {
    await origin.stop();
    dns.stop();
    throw error;
  });
  const stop = async () => {
    await world.stop();
    await origin.stop();
    dns.stop();
  };
  try {
    const { admin } = world;
    const people = settlePeople(world);
    // Awaited below, after all that goes on meanwhile.
    people.catch(() => undefined);
    onStep('origin', { url: `http://${hostName}:${pagePort}` });
    await world.startRelay();
    const network = await found(admin, '/remote-networks', { name: 'home' });
    const resource = await found(admin, '/resources', {
      name: 'intranet',
      remote_network_id: network.id,
      address: hostName,
      tcp: [{ from: pagePort, to: pagePort }],
      udp: 'none',
      icmp: false,
      allow_reserved: true,
    });
    onStep('resource', { address: hostName, network: 'home' });
    const connector = await world.startConnector(network.id, 'connector-1', { SALLYPORT_DNS: dns.address });
    origin.allowedPid = connector.pid;
    const keyPath = await serviceKey(world, stateDir, resource.id);
    onStep('service', { name: 'demo-app', service_key: keyPath });
    const client = await world.startClient({ path: keyPath }, { name: 'client-1', proxyPort });
    onStep('people', await people);
    const facts = {
      admin_url: world.url,
      api_token: admin.token,
      proxy: `http://${client.proxy}`,
      service_key: keyPath,
      allowed_url: `http://${hostName}:${pagePort}/`,
      denied_url: `http://${hostName}:${pagePort + 1}/`,
      tenant: world.tenant,
      console_url: `${world.tenantUrl}/console/`,
    };
    return { facts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The item of this name, made when it is not there. */
async function found(
  admin: Admin,
  path: string,
  wanted: { name: string } & Record<string, unknown>,
): Promise<Answer> {
  const { items } = await admin.get(path);
  return items.find((item: Answer) => item.name === wanted.name) ?? (await admin.post(path, wanted));
}

async function serviceKey(world: World, stateDir: string, resource: string): Promise<string> {
  const path = join(stateDir, 'service_key.json');
  const kept = await access(path).then(
    () => true,
    () => false,
  );
  if (!kept) {
    const { key } = await world.createService('demo-app', [resource]);
    await writeFile(path, JSON.stringify(key.file, null, 2), { mode: 0o600 });
  }
  return path;
}
