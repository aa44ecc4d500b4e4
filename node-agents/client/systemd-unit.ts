/**
 * The systemd unit that `setup` installs: transparent mode at every start, with no more rights than that takes.
 * What differs from host to host (`SALLYPORT_GATEWAY`, `SALLYPORT_DNS_LISTEN`, …) goes into an environment file.
 */
import { exitCodes } from '#node-agents/process/exit.ts';

export const unitName = 'sallyport.service';
export const environmentFile = '/etc/sallyport/environment';

/** Starting again helps nobody: the credential is dead, a flag or a file wrong. */
const final = [exitCodes.credential_dead, exitCodes.usage, exitCodes.config].map(({ number }) => number);

/** @param command of `node` and its script, absolute. @param serviceKey path of the Service Key. */
export function systemdUnit(command: readonly string[], serviceKey: string): string {
  const start = [...command, '--tun', 'on', '--service-key', serviceKey].map(quoted).join(' ');
  return `[Unit]
Description=Sallyport Client, transparent mode
After=network-online.target nss-lookup.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${start}
ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=-${environmentFile}
Restart=always
RestartSec=200ms
RestartPreventExitStatus=${final.join(' ')}
StateDirectory=sallyport
StateDirectoryMode=0700
LimitNOFILE=262144
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
ProtectSystem=strict
ReadWritePaths=-/etc/resolv.conf
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), "Command lines": quotes, and neither specifiers nor variables. */
const quoted = (word: string): string =>
  /^[\w/.:@+,=-]+$/.test(word)
    ? word
    : `"${word.replace(/[\\"]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`;
