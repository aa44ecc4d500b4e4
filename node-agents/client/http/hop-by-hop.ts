/**
 * Which header fields pass a proxy (RFC 9110 §7.6.1): those that concern only one hop are removed, and so
 * is whatever the sender names in `Connection`. Works on the flat `rawHeaders` of node:http, so that case,
 * order and repetition survive.
 */

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Naming these in `Connection` would change how the next hop frames or routes the message: ignored. */
const neverRemoved = new Set(['host', 'content-length', 'content-type', 'authorization', 'cookie', 'via']);

/** @param raw name, value, name, value, … @param also further names to leave out, in lower case. */
export function endToEnd(raw: readonly string[], also: readonly string[] = []): string[] {
  const named = new Set([...connectionOptions(raw), ...also]);
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!hopByHop.has(name) && !named.has(name)) kept.push(raw[i]!, raw[i + 1]!);
  }
  return kept;
}

/** RFC 9110 §7.6.3: this hop adds itself. @param received version of the message as it came, `1.1`. */
export function withVia(headers: readonly string[], received: string): string[] {
  const kept: string[] = [];
  const via: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === 'via') via.push(headers[i + 1]!);
    else kept.push(headers[i]!, headers[i + 1]!);
  }
  return [...kept, 'Via', [...via, `${received} sallyport`].join(', ')];
}

function* connectionOptions(raw: readonly string[]): Generator<string> {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue;
    for (const option of raw[i + 1]!.split(',')) {
      const name = option.trim().toLowerCase();
      if (!neverRemoved.has(name)) yield name;
    }
  }
}
