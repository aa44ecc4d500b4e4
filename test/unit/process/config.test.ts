import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { type CommandName, commands } from '#node-agents/process/commands.ts';
import { type Config, readInvocation, readListenSockets } from '#node-agents/process/config.ts';
import { complaint, exitCodes, exitNameOf } from '#node-agents/process/exit.ts';
import { helpText } from '#node-agents/process/help.ts';
import { SallyportError } from '#schema/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Env = Record<string, string>;

function config<C extends CommandName>(command: C, args: string[], env: Env = {}): Config<C> {
  const words = command === 'client' ? [] : command.split(' ');
  const invocation = readInvocation([...words, ...args], env);
  expect(invocation.command).toBe(command);
  return (invocation as { config: Config<C> }).config;
}

function refusal(args: string[], env: Env = {}): string {
  try {
    readInvocation(args, env);
  } catch (error) {
    expect(error).toBeInstanceOf(SallyportError);
    expect(exitCodes[exitNameOf(error)].number).toBe(2);
    const line = complaint(error);
    expect(line).not.toContain('\n');
    return line;
  }
  throw new Error(`accepted: ${args.join(' ')}`);
}

describe('the client', () => {
  test('is the default command, with the flags that its users know', () => {
    expect(config('client', ['--tun', 'on'])).toMatchObject({ tun: 'on' });
    const read = config('client', ['--http-proxy', '0.0.0.0:9999', '--tun', 'off']);
    expect(read).toMatchObject({
      httpProxy: { host: '0.0.0.0', port: 9999 },
      tun: 'off',
      direct: true,
      serviceKey: { from: 'file', path: '/etc/sallyport/service_key.json' },
      logLevel: 'info',
      forward: [],
    });
    expect(Object.isFrozen(read)).toBe(true);
  });

  test('takes every flag from the environment too, and the flag wins', () => {
    const env = {
      SALLYPORT_HTTP_PROXY: '127.0.0.1:1',
      SALLYPORT_SOCKS5: '[::1]:1080',
      SALLYPORT_FORWARD: '5432=db.internal:5432, 0.0.0.0:80=[fd00::1]:8080',
      SALLYPORT_DIRECT: 'off',
    };
    expect(config('client', ['--http-proxy', '2'], env)).toMatchObject({
      httpProxy: { host: '127.0.0.1', port: 2 },
      socks5: { host: '::1', port: 1080 },
      direct: false,
      forward: [
        { listen: { host: '127.0.0.1', port: 5432 }, host: 'db.internal', port: 5432 },
        { listen: { host: '0.0.0.0', port: 80 }, host: 'fd00::1', port: 8080 },
      ],
    });
  });

  test('repeats --forward', () => {
    const { forward } = config('client', ['--forward', '1=A.int:2', '--forward=3=b:4']);
    expect(forward.map(({ host, port }) => `${host}:${port}`)).toEqual(['a.int:2', 'b:4']);
  });

  test('forwards UDP where it is told so, and ends associations in its own time', () => {
    const read = config('client', ['--forward', 'udp:5353=Dns.int:53', '--forward', 'udp:[::1]:1=a:2']);
    expect(read.udpTimeout).toBe(120);
    expect(read.forward).toEqual([
      { protocol: 'udp', listen: { host: '127.0.0.1', port: 5353 }, host: 'dns.int', port: 53 },
      { protocol: 'udp', listen: { host: '::1', port: 1 }, host: 'a', port: 2 },
    ]);
    expect(config('client', ['--socks5', '1'], { SALLYPORT_UDP_TIMEOUT: '30' }).udpTimeout).toBe(30);
  });

  test('finds the Service Key on stdin and in the environment', () => {
    expect(config('client', ['--socks5', '1', '--service-key', '-']).serviceKey).toEqual({ from: 'stdin' });
    const { serviceKey } = config('client', ['--socks5', '1', '--service-key', 'env:K'], { K: 'the key' });
    expect(serviceKey).toMatchObject({ from: 'env', name: 'K' });
    expect(serviceKey.from === 'env' && serviceKey.text?.reveal()).toBe('the key');
  });

  test('treats an empty variable as none', () => {
    expect(config('client', ['--socks5', '1'], { SALLYPORT_HTTP_PROXY: '' }).httpProxy).toBeUndefined();
  });

  test('keeps state under XDG_STATE_HOME unless it is root', () => {
    const { stateDir } = config('client', ['--socks5', '1'], { XDG_STATE_HOME: '/x', HOME: '/h' });
    expect(stateDir).toBe(process.getuid?.() === 0 ? '/var/lib/sallyport' : '/x/sallyport');
  });
});

describe('the connector', () => {
  test('is configured by its environment alone', () => {
    const read = config('connector', [], {
      SALLYPORT_URL: 'https://acme.example.com/',
      SALLYPORT_ENROLL_TOKEN: 'spe_secret',
      SALLYPORT_STATE_DIR: '/state',
      SALLYPORT_LABEL_SITE: 'berlin',
      SALLYPORT_DNS: '10.0.0.2,[fd00::2]:5353',
      SALLYPORT_METRICS_PORT: '9100',
      SALLYPORT_CONNECTOR_KEY: '-----BEGIN PRIVATE KEY-----',
    });
    expect(read).toMatchObject({
      url: 'https://acme.example.com',
      stateDir: '/state',
      labels: { site: 'berlin' },
      dns: ['10.0.0.2:53', '[fd00::2]:5353'],
      metricsPort: 9100,
    });
    expect(read.enrollToken?.reveal()).toBe('spe_secret');
    expect(read.connectorKey?.reveal()).toContain('BEGIN');
    expect(inspect(read) + JSON.stringify(read)).not.toContain('spe_secret');
  });

  test('takes a bare host name as HTTPS', () => {
    expect(config('connector', ['--url', 'acme.example.com']).url).toBe('https://acme.example.com');
  });
});

test('the relay tells its own URL from the Controller’s', () => {
  const read = config('relay', ['--listen', '127.0.0.1:8443', '--url', 'http://127.0.0.1:8443'], {
    SALLYPORT_URL: 'http://127.0.0.1:1',
  });
  expect(read).toMatchObject({ url: 'http://127.0.0.1:8443', controllerUrl: 'http://127.0.0.1:1' });
});

describe('a secret', () => {
  test('is read from a file without its line end', () => {
    const path = join(folder, 'password');
    writeFileSync(path, 'ann:s3cret\n');
    const { proxyPassword } = config('client', ['--socks5', '1', '--proxy-password', `file:${path}`]);
    expect(proxyPassword?.reveal()).toBe('ann:s3cret');
  });

  test('is never repeated in a complaint', () => {
    expect(refusal(['--proxy-password', 'hunter2', '--socks5', '1'])).not.toContain('hunter2');
    expect(refusal(['--socks5', '1', 'hunter2'])).not.toContain('hunter2');
    expect(refusal(['--proxy-password', 'env:P', '--socks5', '1'], { P: 'hunter2' })).not.toContain(
      'hunter2',
    );
  });
});

describe('a mistake is named with its remedy', () => {
  const cases: [string[], RegExp][] = [
    [['--http-porxy', '1'], /--http-porxy.*did you mean --http-proxy/],
    [['--http-proxy', 'nonsense'], /^--http-proxy: "nonsense".*127\.0\.0\.1:9999/],
    [['--http-proxy', '127.0.0.1:70000'], /^--http-proxy: "70000" is not a port/],
    [['--http-proxy'], /--http-proxy needs a value/],
    [['--socks5', '::1:80'], /^--socks5/],
    [['--tun', 'auto'], /nothing would lead.*--tun on/],
    [['--tun', 'sideways', '--socks5', '1'], /--tun: "sideways" is none of on, off, auto/],
    [['--forward', '5432=db'], /--forward.*5432=db\.internal:5432/],
    [['--forward', 'udp:5432=db'], /--forward.*\[udp:\]\[ADDR:\]PORT=HOST:PORT/],
    [['--socks5', '1', '--udp-timeout', '0'], /--udp-timeout: "0" is not a number of seconds \(1–300\)/],
    [[], /--http-proxy ADDR:PORT.*--forward/],
    [['conector'], /no command "conector"/],
    [['connector'], /--url: not given.*SALLYPORT_URL/],
    [['connector', '--url', 'ftp://x'], /--url: not a URL/],
    [['connector', '--url', 'x', '--dns', 'resolver'], /--dns: "resolver" is not the address of a resolver/],
    [['relay', '--url', 'x', '--controller-url', 'y', '--tls-cert', 'c'], /--tls-cert and --tls-key/],
    [['setup'], /pass --headless FILE\|- .* or --uninstall/],
    [['setup', '--headless', 'k', '--uninstall'], /exclude one another/],
    [['status', '--json=1'], /--json takes no value/],
    [['status', '--http-proxy', '1'], /status has no flag --http-proxy/],
  ];
  for (const [args, expected] of cases) {
    test(`sallyportd ${args.join(' ')}`, () => expect(refusal(args)).toMatch(expected));
  }

  test('in a variable, by the variable', () => {
    expect(refusal([], { SALLYPORT_HTTP_PROXY: 'x' })).toMatch(/^SALLYPORT_HTTP_PROXY: "x"/);
  });
});

describe('the help', () => {
  test('is asked for anywhere, of any command', () => {
    expect(readInvocation(['--help'], {})).toEqual({ command: 'help', of: undefined });
    expect(readInvocation(['connector', '--help'], {})).toEqual({ command: 'help', of: 'connector' });
    expect(readInvocation(['connector', 'health', '-h'], {})).toEqual({
      command: 'help',
      of: 'connector health',
    });
    expect(readInvocation(['--version'], {})).toEqual({ command: 'version' });
  });

  test('lists every flag, its variable and every exit code', () => {
    for (const name of Object.keys(commands) as CommandName[]) {
      const text = helpText(name);
      for (const { flag, env } of Object.values(commands[name].settings)) {
        expect(text).toContain(flag === undefined ? env : `--${flag}`);
        expect(text).toContain(env);
      }
      for (const { number, meaning } of Object.values(exitCodes)) {
        expect(text).toMatch(new RegExp(`^  ${number}  .*${meaning.slice(0, 20)}`, 'm'));
      }
    }
  });
});

test('sockets that systemd hands over are this process’s own alone, by their names', () => {
  const env = { LISTEN_PID: '12', LISTEN_FDS: '3', LISTEN_FDNAMES: 'http-proxy::socks5' };
  expect([...readListenSockets(12, env)]).toEqual([
    ['http-proxy', 3],
    ['unknown', 4],
    ['socks5', 5],
  ]);
  expect(readListenSockets(13, env).size).toBe(0);
  expect(readListenSockets(12, { ...env, LISTEN_FDS: 'x' }).size).toBe(0);
  expect(readListenSockets(12, {}).size).toBe(0);
});
