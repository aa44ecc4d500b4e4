/**
 * `npm run bench`: what Sallyport costs, always as a ratio to something plain measured in the same run.
 * `README.md` beside this file says what is measured and how to read it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './host/machine.ts';
import { enterNamespace } from './host/namespace.ts';
import { type Comparison, compare } from './measure/compare.ts';
import { path } from './path/main.ts';
import { install } from './peers/install.ts';
import { peers } from './peers/main.ts';
import { transparent } from './transparent/main.ts';

const comparisons: Record<string, Comparison> = { path, transparent, peers };
const measuresOf = ({ name, measures }: Comparison) =>
  `                   ${name}: ${measures.map((measure) => measure.name).join(', ')}`;

const help = `Usage: npm run bench -- [name…] [options]

  path             Client, relay and Connector against plain loopback, with the Node and with the edge relay
  transparent      the TUN device: interception alone and the whole path, against WireGuard and Tailscale
  peers            the path against ssh, haproxy, stunnel, nginx, as far as they are installed
  tunnel           the frame layer inside the pinned TLS
  udp              packets per second one way, by iperf3, against loopback and a plain Node forwarder
  udp-rtt          a datagram's round trip beside bulk in the same tunnel
  failover         how long the next flow takes once a relay or Connector is killed, frozen or cut off
  acl              matching a destination, by the number of Resources
  lists            every list of a large Tenant, paginated and searched, on local workerd
                   (all of them when none is named)

  --quick          shorter and fewer rounds
  --json           one line of JSON after each table

  --install        brings the programs of others that are compared with, and does nothing else

path, transparent and peers:
  --measure NAME   only this (may be repeated)
${Object.values(comparisons).map(measuresOf).join('\n')}
  --subject NAME   only this beside direct (may be repeated), by its name in the JSON
  --rounds N       so many rounds
  --profile DIR    V8 profiles of every agent in DIR, and where their time went
                   (slower: the figures are then not to be quoted)
  --help           this text
`;

type Flags = ReturnType<typeof parse>['flags'];
type Outcome = { json?: Record<string, unknown>; ok: boolean };

const root = new URL('../..', import.meta.url).pathname;
const say = (text: string) => process.stdout.write(`${text}\n`);

const benches: Record<string, (flags: Flags) => Promise<Outcome> | Outcome> = {
  acl: ({ quick, json }) => script('acl/match.ts', { '--quick': quick, '--json': json }),
  lists: ({ quick, json }) => script('lists/lists.ts', { '--quick': quick, '--json': json }),
  tunnel: ({ quick, json }) =>
    script('tunnel.ts', { '--seconds=0.5': quick, '--seconds=1': !quick, '--json': json }),
  udp: ({ quick, json }) => script('udp.ts', { '--quick': quick, '--json': json }),
  'udp-rtt': ({ quick, json }) => script('udp-rtt.ts', { '--quick': quick, '--json': json }),
  failover: ({ quick, json }) => script('failover.ts', { '--quick': quick, '--json': json }),
  ...Object.fromEntries(
    Object.entries(comparisons).map(([name, comparison]) => [name, (flags: Flags) => run(comparison, flags)]),
  ),
};

const { flags, names } = parse();
const trouble = enterNamespace();
process.chdir(root);
const on = machine();
say(`${on.cores} × ${on.cpu}, ${on.memory_gib} GiB, Linux ${on.kernel}, Node ${on.node}, TCP ${on.tcp}`);
if (trouble !== undefined) say(`! ${trouble}`);

let ok = true;
for (const name of names) {
  say('');
  const outcome = await benches[name]!(flags);
  ok &&= outcome.ok;
  if (flags.json && outcome.json) say(JSON.stringify(outcome.json));
}
process.exit(ok ? 0 : 1);

function run(comparison: Comparison, { quick, measure, subject, rounds, profile }: Flags): Promise<Outcome> {
  return compare(comparison, {
    ...{ quick, measures: measure, subjects: subject, machine: on, rawDir: '.sallyport/bench', say },
    ...(rounds !== undefined && { rounds: Number(rounds) }),
    ...(profile !== undefined && { profile: resolve(profile) }),
  });
}

/** A benchmark that is a program of its own: an idle, fresh process measures nanoseconds best. */
function script(file: string, args: Record<string, boolean>): Outcome {
  const path = new URL(file, import.meta.url).pathname;
  if (!existsSync(path)) return { ok: true };
  const given = Object.keys(args).filter((arg) => args[arg]);
  return { ok: spawnSync(process.execPath, [path, ...given], { stdio: 'inherit' }).status === 0 };
}

function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        measure: { type: 'string', multiple: true, default: [] },
        subject: { type: 'string', multiple: true, default: [] },
        rounds: { type: 'string' },
        profile: { type: 'string' },
        install: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(help);
      process.exit(0);
    }
    if (values.install) {
      install(say);
      process.exit(0);
    }
    const unknown = positionals.find((name) => !(name in benches));
    if (unknown !== undefined) throw new Error(`there is no benchmark “${unknown}”; --help lists them`);
    const compared = Object.values(comparisons);
    const misnamed =
      values.measure.find((name) => !compared.some((one) => one.measures.some((m) => m.name === name))) ??
      values.subject.find((name) => !compared.some((one) => one.ways.some((way) => way.name === name)));
    if (misnamed !== undefined)
      throw new Error(`nothing is called “${misnamed}”; --help lists what there is`);
    if (values.rounds !== undefined && !/^[1-9]\d?$/.test(values.rounds))
      throw new Error('--rounds is a number from 1 to 99');
    return { flags: values, names: positionals.length > 0 ? positionals : Object.keys(benches) };
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
