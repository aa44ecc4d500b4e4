/**
 * Tailscale's TUN mode: a daemon at each end of the cable and its own control server for tests
 * (`tailscale-control.go`), straight from host to host as it prefers, without any of its relays.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Place } from '../../world/namespaces.ts';
import { eventually, Program } from '../host/program.ts';
import type { Subject } from '../measure/measure.ts';
import { find, missing, programs } from '../peers/install.ts';
import type { TransparentEnds } from './ends.ts';
import { cables } from './ground.ts';
import { viaAddress } from './subjects.ts';

const run = promisify(execFile);
const control = `${cables.client.far}:8800`;
const patienceMs = 30_000;

export async function tailscale({ net }: TransparentEnds): Promise<Subject | string> {
  const absent = missing(programs.tailscaled, programs.tailscale, programs.tailscaleControl);
  if (absent !== undefined) return absent;
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tailscale-'));
  const started: Program[] = [];
  const stop = async () => {
    await Promise.all(started.map((one) => one.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  const start = (place: Place, name: string, ...args: string[]) => {
    const program = new Program(`${name} in ${place}`, [...net.prefix(place), ...args], quiet);
    started.push(program);
    return program;
  };
  const ask = async (place: Place, ...args: string[]) => {
    const command = [find(programs.tailscale)!, `--socket=${join(folder, `${place}.sock`)}`, ...args];
    const [first, ...rest] = [...net.prefix(place), ...command];
    return (await run(first!, rest, { timeout: patienceMs })).stdout.trim();
  };
  const enter = async (place: Place) => {
    const options = [`--tun=ts-${place}`, '--state=mem:', `--statedir=${folder}`, '--no-logs-no-support'];
    const socket = `--socket=${join(folder, `${place}.sock`)}`;
    const daemon = start(place, 'tailscaled', find(programs.tailscaled)!, ...options, socket);
    const up = ['up', `--login-server=http://${control}`, '--accept-dns=false', '--netfilter-mode=off'];
    // It waits for a relay, of which there is none; what counts is whether it has an address.
    const asked = () => ask(place, ...up, `--hostname=${place}`, '--timeout=2s');
    await eventually(() => ask(place, 'version'));
    await asked().catch(() => {});
    return { daemon, address: await eventually(() => ask(place, 'ip', '-4'), patienceMs) };
  };
  try {
    start('private', 'tailscale-control', find(programs.tailscaleControl)!, control);
    const near = await enter('client');
    const far = await enter('private');
    await eventually(() => ask('client', 'ping', '--c', '1', '--until-direct', far.address), patienceMs);
    return {
      ...{ name: 'tailscale', title: 'Tailscale' },
      ...viaAddress(net, far.address, { near: [near.daemon], far: [far.daemon] }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** It is to reach nobody but those two. */
const quiet = { TS_NO_LOGS_NO_SUPPORT: 'true' };
