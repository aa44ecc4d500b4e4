/**
 * What `os.test.ts` needs another process for.
 * `PREFIX,PREFIX…`: holds a TUN device and its routes until it is killed; prints `ready`.
 * `--look`: tries everything that may be missing, each once, and prints what comes of it.
 */
import { connectMarked } from '#node-agents/os/marked-socket.ts';
import { openInjector } from '#node-agents/os/raw-socket.ts';
import type { RoutePlan } from '#node-agents/os/route-plan.ts';
import { installRoutes } from '#node-agents/os/routes.ts';
import { transparentSupport } from '#node-agents/os/support.ts';
import { openTunDevice, type TunDevice } from '#node-agents/os/tun-device.ts';
import { SallyportError } from '#schema/errors.ts';

const plan: RoutePlan = {
  device: 'sallyport0',
  addresses: ['100.96.0.1/32', 'fd96::1/128'],
  prefixes: [],
  captureDns: 'all',
  ipv6: true,
};

const open = (): TunDevice => openTunDevice({ name: plan.device, onFrame() {}, onLost() {} });

async function hold(prefixes: string[]): Promise<void> {
  open();
  await installRoutes({ ...plan, prefixes });
  process.stdout.write('ready\n');
  process.stdin.resume();
}

async function look(): Promise<void> {
  const support = await transparentSupport();
  const able = support.ok && (support.mayInject ? 'yes' : 'yes, without SYNs over loopback');
  print('look', able || (support as { code: string; detail: string }));
  await attempt('open', () => open().close());
  await attempt('mark', () =>
    connectMarked({ address: '10.1.0.2', port: 9 })
      .on('error', () => {})
      .destroy(),
  );
  await attempt('routes', () => installRoutes({ ...plan, device: 'lo', addresses: [] }));
  await attempt('inject', () => openInjector() ?? Promise.reject());
}

async function attempt(what: string, work: () => unknown): Promise<void> {
  try {
    await work();
    print(what, 'yes');
  } catch (error) {
    print(what, error instanceof SallyportError ? { code: error.code, detail: error.message } : 'no');
  }
}

const print = (what: string, came: string | { code: string; detail: string }): void => {
  console.log(`${what} ${typeof came === 'string' ? came : `${came.code}: ${came.detail}`}`);
};

const [argument = ''] = process.argv.slice(2);
if (argument === '--look') await look().then(() => process.exit(0));
else await hold(argument.split(',').filter((one) => one !== ''));
