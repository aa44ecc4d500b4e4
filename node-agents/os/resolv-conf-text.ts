/**
 * resolv.conf(5) as text: which resolvers it names, and the same file with ours in front, marked so that what
 * was there before can be told from it, also by the next start after a crash. `resolv-conf.ts` reads and
 * writes the file.
 */
import { contains, type Ip, parseIp, parsePrefix } from '#schema/name/ip.ts';
import { syntheticV4, syntheticV6 } from '#schema/name/reserved.ts';

const added = '# sallyport: added until sallyportd ends';
const was = '# sallyport: was ';
const nothing = '# sallyport: nothing';

/** The resolvers in their order, zones (`%eth0`) kept, ours left out, whoever has written it. */
export function nameserversOf(text: string): string[] {
  return linesOf(withoutOurs(text)).flatMap((line) => {
    const address = /^nameserver[ \t]+(\S+)/.exec(line)?.[1];
    const ip = parseIp(address?.replace(/%.*$/, '') ?? '');
    return address !== undefined && ip && !isSynthetic(ip) ? [address] : [];
  });
}

/** Whether our resolver is the first that programs ask. */
export function isOursFirst(text: string, server: string): boolean {
  const first = linesOf(text).find((line) => /^nameserver[ \t]/.test(line));
  return first?.split(/[ \t]+/)[1] === server && !linesOf(text).some(rotates);
}

/**
 * Ours first, the others stay behind it: they are asked when we are gone. `rotate` would ask them in turn, so
 * it is taken out. The same again when it is there already.
 */
export function withOurs(text: string, server: string): string {
  const lines = linesOf(withoutOurs(text)).flatMap((line) =>
    rotates(line) ? [`${was}${line}`, withoutRotate(line)] : [line],
  );
  return [added, `nameserver ${server}`, ...lines].join('\n');
}

/** What was there before us; a text that we never touched comes back as it is. */
export function withoutOurs(text: string): string {
  const lines = linesOf(text);
  const kept: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const next = lines[i + 1];
    if (line === added) {
      // Whoever edited the file meanwhile may have taken the line itself.
      if (next !== undefined && isOurs(next)) i++;
    } else if (line.startsWith(was)) {
      const before = line.slice(was.length);
      kept.push(before);
      if (next === withoutRotate(before)) i++;
    } else {
      kept.push(line);
    }
  }
  return kept.join('\n');
}

const linesOf = (text: string): string[] => text.split('\n');

const rotates = (line: string): boolean => /^options[ \t].*\brotate\b/.test(line);

function withoutRotate(line: string): string {
  const others = line.split(/[ \t]+/).filter((word) => word !== 'rotate' && word !== '');
  return others.length > 1 ? others.join(' ') : nothing;
}

const own = [parsePrefix(syntheticV4)!, parsePrefix(syntheticV6)!];

function isOurs(line: string): boolean {
  const ip = parseIp(/^nameserver[ \t]+(\S+)/.exec(line)?.[1] ?? '');
  return ip !== undefined && isSynthetic(ip);
}

const isSynthetic = (ip: Ip): boolean => own.some((prefix) => contains(prefix, ip));
