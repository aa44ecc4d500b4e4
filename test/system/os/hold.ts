/**
 * A process that holds a TUN device and its routes until it is killed, for `os.test.ts`: prints `ready`.
 * @param argv the prefixes, separated by commas
 */
import { installRoutes } from '#node-agents/os/routes.ts';
import { openTunDevice } from '#node-agents/os/tun-device.ts';

const device = openTunDevice({ name: 'sallyport0', onFrame() {}, onLost() {} });
await installRoutes({
  device: device.name,
  addresses: ['100.96.0.1/32', 'fd96::1/128'],
  prefixes: (process.argv[2] ?? '').split(','),
  captureDns: 'all',
  ipv6: true,
});
process.stdout.write('ready\n');
process.stdin.resume();
