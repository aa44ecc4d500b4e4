/** A destination as people write it: `db.internal:5432`, `[fd00::1]:53/udp`, `10.0.0.5/icmp`. */
export interface Question {
  principal: string;
  host: string;
  port?: number;
  protocol: 'tcp' | 'udp' | 'icmp';
}

/** @returns undefined for what is no destination. */
export function destinationIn(text: string): Omit<Question, 'principal'> | undefined {
  const found = /^(?:\[([\da-f:.]+)\]|([^\s/[\]]+?))(?::(\d{1,5}))?(?:\/(tcp|udp|icmp))?$/i.exec(text.trim());
  if (!found) return undefined;
  const [, v6, name, port, protocol = 'tcp'] = found;
  const host = v6 ?? name!;
  // An IPv6 address without brackets: its last part is no port.
  const whole = v6 === undefined && port !== undefined && host.includes(':') ? `${host}:${port}` : undefined;
  const number = Number(port);
  if (port !== undefined && whole === undefined && (number < 1 || number > 65_535)) return undefined;
  return {
    host: whole ?? host,
    ...(port !== undefined && whole === undefined && { port: number }),
    protocol: protocol.toLowerCase() as Question['protocol'],
  };
}
