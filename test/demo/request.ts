/**
 * One GET through an HTTP proxy in absolute-form (RFC 9112 §3.2.2), as curl does it.
 */
import { request } from 'node:http';

export interface ProxyAnswer {
  status: number;
  body: string;
  proxy_status?: string;
}

export function requestThrough(proxy: string, url: string): Promise<ProxyAnswer> {
  const { hostname, port } = new URL(proxy);
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, path: url, headers: { host: new URL(url).host } },
      async (response) => {
        let body = '';
        for await (const chunk of response.setEncoding('utf8')) body += chunk;
        const proxyStatus = response.headers['proxy-status'];
        resolve({
          status: response.statusCode!,
          body,
          ...(proxyStatus && { proxy_status: String(proxyStatus) }),
        });
      },
    );
    sent.on('error', reject).end();
  });
}
