/**
 * The systemd unit that `setup` installs (`install-unit.ts`): transparent mode at every start, with no more
 * rights than that takes. What differs from host to host (`SALLYPORT_GATEWAY`, `SALLYPORT_DNS_LISTEN`, …) goes
 * into an environment file.
 */
import { exitCodes } from '#node-agents/process/exit.ts';

export const unitName = 'sallyport.service';
export const environmentFile = '/etc/sallyport/environment';

/** Starting again helps nobody: the credential is dead, a flag or a file wrong. */
export const final = [exitCodes.credential_dead, exitCodes.usage, exitCodes.config].map(
  ({ number }) => number,
);

export interface UnitOptions {
  /** `node` and its script, absolute. */
  command: readonly string[];
  /** Path of the Service Key, absolute. */
  serviceKey: string;
  /** Where the Client has to write besides its own state. */
  writable?: readonly string[];
}

export function systemdUnit({ command, serviceKey, writable = [] }: UnitOptions): string {
  const start = [...command, '--tun', 'on', '--service-key', serviceKey].map(quoted).join(' ');
  const within = (...folders: string[]) =>
    [...command, serviceKey].some((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
  return `[Unit]
Description=Sallyport Client, transparent mode
After=network-online.target nss-lookup.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
# Started once protected names and addresses lead into the tunnel, however long the Controller is away.
Type=notify
TimeoutStartSec=infinity
ExecStart=${start}
ExecReload=/bin/kill -HUP $MAINPID
EnvironmentFile=-${environmentFile}
# Nothing is cleaned up after a crash: what is left refuses protected addresses until the next start.
Restart=always
RestartSec=200ms
RestartPreventExitStatus=${final.join(' ')}
StateDirectory=sallyport
StateDirectoryMode=0700
UMask=0077
LimitNOFILE=262144
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
ProtectSystem=strict
${writable.map((path) => `ReadWritePaths=-${quoted(path)}\n`).join('')}ProtectHome=${within('/home', '/root') ? 'read-only' : 'yes'}
PrivateTmp=${within('/tmp', '/var/tmp') ? 'no' : 'yes'}
PrivateIPC=yes
ProtectProc=invisible
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
KeyringMode=private
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** systemd.service(5), "Command lines": quotes, and neither specifiers nor variables. */
const quoted = (word: string): string =>
  /^[\w/.:@+,=-]+$/.test(word)
    ? word
    : `"${word.replace(/[\\"]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`;
