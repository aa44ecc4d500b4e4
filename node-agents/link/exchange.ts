/**
 * One HTTP request to a Controller and its whole answer, bounded in time and length. Node's own client and not
 * `fetch`, which keeps 13 MiB of itself in memory and cannot be told how to connect (`outward.ts`).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { request as requestTls } from 'node:https';
import { request as requestPlain } from '#node-agents/process/http.ts';
import { timedOut } from './failure.ts';
import { agentFor, type Outward } from './outward.ts';

export interface ExchangeOptions {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Bytes of the answer beyond which it is refused. */
  limit: number;
  outward: Outward | undefined;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Redirects are answers like any other. @throws (rejects) the socket's error, ABORT_ERR, RangeError when too long. */
export function exchange(url: string, o: ExchangeOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (o.signal?.aborted) return reject(timedOut());
    const { method, headers, body = '' } = o;
    const request = (url.startsWith('https:') ? requestTls : requestPlain)(url, {
      method,
      headers: { ...headers, ...(method === 'POST' && { 'content-length': Buffer.byteLength(body) }) },
      agent: agentFor(url, o.outward) ?? false,
    });
    const onAbort = () => request.destroy(timedOut());
    const timer = setTimeout(onAbort, o.timeoutMs);
    o.signal?.addEventListener('abort', onAbort, { once: true });
    request.once('close', () => {
      clearTimeout(timer);
      o.signal?.removeEventListener('abort', onAbort);
    });
    request.on('error', reject);
    request.once('response', async (response) => {
      try {
        const text = await boundedText(response, o.limit);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      } catch (error) {
        reject(error);
      } finally {
        response.destroy();
      }
    });
    request.end(body);
  });
}

async function boundedText(response: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > limit) throw new RangeError(`its answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
