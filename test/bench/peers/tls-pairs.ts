/**
 * Pairs of TLS proxies with a plain TCP relay between them: a TLS 1.3 connection for each flow, each end trusting
 * the other's certificate alone, as Sallyport's ends do.
 */
import type { Ends } from '../measure/compare.ts';
import type { Subject } from '../measure/measure.ts';
import { certificates, chain, cipher, type Hop, haproxy as haproxyConfig, plainRelay } from './chain.ts';
import { find, missing, programs } from './install.ts';

export const haproxy = { name: 'haproxy', title: 'haproxy pair + relay' };
export const stunnel = { name: 'stunnel', title: 'stunnel pair + relay' };
export const nginx = { name: 'nginx', title: 'nginx pair + relay' };

export async function throughHaproxy({ origin }: Ends): Promise<Subject | string> {
  const absent = missing(programs.haproxy);
  if (absent !== undefined) return absent;
  return chain(haproxy, origin, (ground) => {
    const { folder, hops, file, run } = ground;
    const { near, far } = certificates(folder);
    const farEnds = hops.map(
      (hop) => `listen l${hop.far}
  bind 127.0.0.1:${hop.far} ssl crt ${far.both} ca-file ${near.cert} verify required ssl-min-ver TLSv1.3
  server origin ${hop.origin.host}:${hop.origin.port}
`,
    );
    const nearEnds = (by: Hop[]) =>
      by.map(
        (hop) => `listen l${hop.near}
  bind 127.0.0.1:${hop.near}
  server far 127.0.0.1:${hop.relay} ssl crt ${near.both} ca-file ${far.cert} verify required ssl-min-ver TLSv1.3
`,
      );
    run('far', [find(programs.haproxy)!, '-db', '-f', file('far.cfg', haproxyConfig(farEnds))]);
    plainRelay(ground, hops);
    return (by) => [find(programs.haproxy)!, '-db', '-f', file('near.cfg', haproxyConfig(nearEnds(by)))];
  });
}

export async function throughStunnel({ origin }: Ends): Promise<Subject | string> {
  const absent = missing(programs.stunnel, programs.haproxy);
  if (absent !== undefined) return absent;
  return chain(stunnel, origin, (ground) => {
    const { folder, hops, file, run } = ground;
    const { near, far } = certificates(folder);
    const common = (own: { cert: string; key: string }, other: { cert: string }) =>
      [
        ...[
          'foreground = yes',
          'pid =',
          'debug = err',
          'sslVersionMin = TLSv1.3',
          `ciphersuites = ${cipher}`,
        ],
        ...['socket = l:TCP_NODELAY=1', 'socket = r:TCP_NODELAY=1', 'verifyPeer = yes'],
        ...[`cert = ${own.cert}`, `key = ${own.key}`, `CAfile = ${other.cert}`, ''],
      ].join('\n');
    const service = (name: string, accept: number, connect: string, client: boolean) =>
      `[${name}]\nclient = ${client ? 'yes' : 'no'}\naccept = 127.0.0.1:${accept}\nconnect = ${connect}\n`;
    const farEnds = hops.map((hop, i) =>
      service(`far${i}`, hop.far, `${hop.origin.host}:${hop.origin.port}`, false),
    );
    const nearEnds = (by: Hop[]) =>
      by.map((hop, i) => service(`near${i}`, hop.near, `127.0.0.1:${hop.relay}`, true));
    run('far', [find(programs.stunnel)!, file('far.conf', common(far, near) + farEnds.join(''))]);
    plainRelay(ground, hops);
    return (by) => [find(programs.stunnel)!, file('near.conf', common(near, far) + nearEnds(by).join(''))];
  });
}

export async function throughNginx({ origin }: Ends): Promise<Subject | string> {
  const absent = missing(programs.nginx, programs.haproxy);
  if (absent !== undefined) return absent;
  return chain(nginx, origin, (ground) => {
    const { folder, hops, file, run } = ground;
    const { near, far } = certificates(folder);
    const config = (name: string, servers: string[]) =>
      file(
        `${name}.conf`,
        `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes auto;
error_log stderr error;
pid ${folder}/${name}.pid;
events { worker_connections 4096; }
stream {
  tcp_nodelay on;
  proxy_half_close on;
${servers.join('')}}
`,
      );
    const farEnds = hops.map(
      (hop) => `  server {
    listen 127.0.0.1:${hop.far} ssl;
    proxy_pass ${hop.origin.host}:${hop.origin.port};
    ssl_certificate ${far.cert};
    ssl_certificate_key ${far.key};
    ssl_client_certificate ${near.cert};
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites ${cipher};
  }
`,
    );
    const nearEnds = (by: Hop[]) =>
      by.map(
        (hop) => `  server {
    listen 127.0.0.1:${hop.near};
    proxy_pass 127.0.0.1:${hop.relay};
    proxy_ssl on;
    proxy_ssl_certificate ${near.cert};
    proxy_ssl_certificate_key ${near.key};
    proxy_ssl_trusted_certificate ${far.cert};
    proxy_ssl_verify on;
    proxy_ssl_name bench;
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_conf_command Ciphersuites ${cipher};
  }
`,
      );
    run('far', [find(programs.nginx)!, '-p', folder, '-c', config('far', farEnds)]);
    plainRelay(ground, hops);
    return (by) => [find(programs.nginx)!, '-p', folder, '-c', config('near', nearEnds(by))];
  });
}
