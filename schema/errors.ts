/**
 * Every refusal and fault that Sallyport names: its HTTP status, the byte that stands for it inside a tunnel
 * and on a relay, its Proxy-Status type (RFC 9209 §2.3), whether trying again may help, what it means and
 * what to do. A code, once published, keeps its meaning and its number for ever; an unknown number is read
 * as `unknown_error`, so that an older peer survives a newer one.
 */

export interface ErrorKind {
  /** HTTP status of the problem document (RFC 9457). */
  status: number;
  /** One byte, 1–255, where the code can cross a tunnel or a relay; absent where it cannot. */
  wire?: number;
  /** RFC 9209 §2.3 error type, where a proxy may have to report it. */
  proxyStatus?: string;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  retry: boolean;
  title: string;
  remedy: string;
}

const kind = (status: number, title: string, remedy: string, more: Partial<ErrorKind> = {}): ErrorKind => ({
  status,
  retry: false,
  title,
  remedy,
  ...more,
});

// biome-ignore format: a table reads best with one row a line
export const errors = {
  // Requests to the Controller.
  bad_request: kind(400, 'The request is malformed.', 'Compare it with /api/v1/openapi.json.'),
  validation_failed: kind(422, 'A field is missing or wrong.', 'See `errors` for each field and its reason.'),
  unauthenticated: kind(401, 'The credential is missing or not accepted.', 'Send `Authorization: Bearer <API token>`; create a token if this one was revoked or has expired.'),
  forbidden: kind(403, 'The credential does not allow this.', 'Use an API token that has the scope named in `detail`.'),
  not_found: kind(404, 'There is no such thing here.', 'Check the id, and that it belongs to this Tenant.'),
  tenant_unknown: kind(404, 'There is no such Tenant.', 'Check the Tenant in the URL (`/t/<tenant>` or the host name).'),
  method_not_allowed: kind(405, 'This method is not offered here.', 'See the `Allow` header.'),
  name_taken: kind(409, 'The name is already in use.', 'Choose another name.'),
  in_use: kind(409, 'Something else still depends on it.', 'Remove what `detail` names first.'),
  illegal_transition: kind(409, 'The present state does not allow this action.', 'See `allowed` for what the state allows.'),
  idp_missing: kind(404, 'No identity provider is set up for this Tenant.', 'An administrator adds one: `POST /api/v1/identity-providers`.'),
  idp_refused: kind(403, 'The identity provider did not let you in.', 'Log in again, or ask whoever runs the identity provider.'),
  idp_failed: kind(502, 'The identity provider could not be used.', 'Try again; if it stays, an administrator checks its issuer, client id and secret.', { retry: true }),
  login_expired: kind(400, 'This login is no longer under way.', 'Begin again, in one window and within ten minutes.'),
  user_unknown: kind(403, 'You are not a user of this Tenant.', 'Ask an administrator to add you.'),
  user_inactive: kind(403, 'Your access has been withdrawn.', 'Ask an administrator.'),
  email_unverified: kind(403, 'The identity provider has not verified your e-mail address.', 'Verify it there, then log in again.'),
  domain_not_allowed: kind(403, 'E-mail addresses of this domain are not let in.', 'Log in with an account of your organisation.'),
  managed_elsewhere: kind(409, 'The identity provider keeps this, by SCIM.', 'Change it at the identity provider.'),
  last_owner: kind(409, 'A Tenant keeps at least one active owner.', 'Make somebody else an owner first.'),
  idempotency_conflict: kind(422, 'This Idempotency-Key was used for another request.', 'Use a fresh key for a different request.'),
  idempotency_in_progress: kind(409, 'The first request with this Idempotency-Key is still running.', 'Wait, then repeat it.', { retry: true }),
  payload_too_large: kind(413, 'The body is too large.', 'Send at most 1 MiB.'),
  unsupported_media_type: kind(415, 'The body is not of an accepted type.', 'Send `Content-Type: application/json`.'),
  rate_limited: kind(429, 'Too many requests.', 'Wait as `Retry-After` says.', { retry: true }),
  internal_error: kind(500, 'Something failed on our side.', 'Try again; if it stays, report `request_id`.', { retry: true, wire: 1, proxyStatus: 'proxy_internal_error' }),
  unavailable: kind(503, 'The service is not ready.', 'Try again shortly.', { retry: true }),

  // Configuration that is refused.
  address_invalid: kind(422, 'The address is neither an IP address, a CIDR, a domain name nor a wildcard.', 'Write for instance 10.0.0.5, 10.0.0.0/24, db.internal or *.internal.'),
  address_host_bits: kind(422, 'The CIDR has host bits set.', 'Use the network address that `detail` proposes.'),
  address_reserved: kind(422, 'The address lies in a range that is refused unless explicitly allowed.', 'Set `allow_reserved` if the Resource really is there; 100.96.0.0/12 is never possible.'),
  ports_invalid: kind(422, 'The ports are not valid ranges within 1–65535.', 'Write for instance [{"from":80,"to":80}], "all" or "none".'),
  alias_invalid: kind(422, 'The alias is not a usable name.', 'An alias is a domain name with a dot and without wildcards, not under .local.'),
  alias_taken: kind(409, 'The alias is another Resource’s address or alias.', 'Choose another alias.'),
  address_taken: kind(409, 'A Resource with this address exists in this Remote Network.', 'Change that Resource instead, or use another address.'),
  connector_outdated: kind(409, 'A Connector of the Remote Network is too old for this.', 'Update the Connector named in `detail`.'),
  public_key_invalid: kind(422, 'The public key is not an EC P-256 key.', 'Send a JWK with kty EC and crv P-256, without its private part.'),

  // Credentials of agents.
  credential_unknown: kind(401, 'The credential is not known.', 'It was deleted, or belongs to another Tenant: create a new one.'),
  authorization_pending: kind(400, 'Nobody has approved this login yet.', 'Open the address, type the code, log in.', { retry: true }),
  slow_down: kind(400, 'This login is asked about too often.', 'Ask every five seconds.', { retry: true }),
  access_denied: kind(403, 'The login was refused.', 'Begin again if it was yours.'),
  credential_rejected: kind(401, 'The credential is not accepted.', 'The agent’s log and the Controller’s log have the reason.'),
  key_revoked: kind(401, 'The Service Key has been revoked.', 'Create a new Service Key and replace the file.'),
  key_expired: kind(401, 'The Service Key has expired.', 'Create a new Service Key and replace the file.'),
  session_ended: kind(401, 'Your login on this device has ended.', 'Log in again: `sallyportd login`.'),
  clock_skew: kind(401, 'The clock differs from the Controller’s by too much.', 'Nothing, if the agent is current: it learns the difference and tries again. Otherwise set the clock.', { retry: true }),
  enrolment_used: kind(410, 'The enrolment token has already been used.', 'Create a new enrolment token for this Connector; keep its state directory between restarts.'),
  enrolment_expired: kind(410, 'The enrolment token has expired.', 'Create a new enrolment token.'),
  enrolment_unknown: kind(401, 'The enrolment token is not known.', 'Copy the token again, whole, or create a new one.'),
  connector_revoked: kind(401, 'The Connector has been revoked.', 'Create a new Connector and enrol it.'),
  relay_revoked: kind(401, 'The relay has been removed.', 'Register the relay again.'),

  // A tunnel that is refused, by the relay or by the Connector.
  token_invalid: kind(401, 'The token is not accepted.', 'Ask the Controller for a new one.', { wire: 16, retry: true }),
  token_expired: kind(401, 'The token has expired.', 'Ask the Controller for a new one.', { wire: 17, retry: true }),
  token_replayed: kind(401, 'The token was used before.', 'Ask the Controller for a new one.', { wire: 18, retry: true }),
  proof_invalid: kind(401, 'The proof of possession does not hold.', 'Sign with the key that the token is bound to.', { wire: 19 }),
  wrong_audience: kind(403, 'The token is meant for somebody else.', 'Ask for a token for this Connector or relay.', { wire: 20 }),
  peer_not_pinned: kind(502, 'The peer’s certificate is not the pinned one.', 'Somebody stands between, or the Connector was enrolled anew: ask the Controller for its present ID.', { wire: 21, proxyStatus: 'tls_certificate_error' }),
  instance_mismatch: kind(403, 'The ACL belongs to another instance.', 'Present the ACL that was issued to this instance key.', { wire: 22 }),
  revoked: kind(403, 'Access was revoked.', 'Ask an administrator.', { wire: 23, proxyStatus: 'http_request_denied' }),
  connector_offline: kind(503, 'No Connector with this ID is connected to the relay.', 'Check that the Connector runs: `sallyportd connector health`.', { wire: 24, retry: true, proxyStatus: 'destination_unavailable' }),
  connector_unresponsive: kind(504, 'The Connector did not answer the relay in time.', 'Check the Connector’s log.', { wire: 25, retry: true, proxyStatus: 'connection_timeout' }),
  relay_unreachable: kind(502, 'No relay could be reached.', 'Check outbound access to the relays listed by `sallyportd status`.', { wire: 26, retry: true, proxyStatus: 'destination_unavailable' }),
  controller_unreachable: kind(502, 'The Controller could not be reached.', 'Check the URL, DNS and outbound HTTPS.', { wire: 27, retry: true, proxyStatus: 'destination_unavailable' }),
  handshake_timeout: kind(504, 'The peer did not finish its handshake in time.', 'Try again.', { wire: 28, retry: true, proxyStatus: 'connection_timeout' }),
  limit_reached: kind(503, 'A limit on connections or sessions is reached.', 'Close some, or add Connectors.', { wire: 29, retry: true, proxyStatus: 'connection_limit_reached' }),
  draining: kind(503, 'The peer is shutting down.', 'Another one takes over; try again.', { wire: 30, retry: true, proxyStatus: 'destination_unavailable' }),
  peer_gone: kind(502, 'The other side went away.', 'Try again.', { wire: 31, retry: true, proxyStatus: 'connection_terminated' }),
  protocol_error: kind(502, 'The peer broke the protocol.', 'Check that both sides run supported versions.', { wire: 32, proxyStatus: 'connection_terminated' }),
  frame_too_large: kind(413, 'A frame is longer than allowed.', 'Check that both sides run supported versions.', { wire: 33, proxyStatus: 'connection_terminated' }),
  flow_control_violated: kind(502, 'The peer sent more than it was given credit for.', 'Check that both sides run supported versions.', { wire: 34, proxyStatus: 'connection_terminated' }),
  version_unsupported: kind(426, 'The peer speaks no version that we speak.', 'Update the older side.', { wire: 35 }),
  replaced: kind(409, 'The same agent came again, so that its older link was closed.', 'If it happens over and over, two processes share one key: give each its own.', { wire: 36, retry: true }),
  path_unavailable: kind(503, 'The other side takes no direct path.', 'Nothing: the relay carries what goes there. For a direct one set `--p2p auto` on both sides.', { retry: true }),
  path_blocked: kind(503, 'The networks between let no direct path through.', 'Nothing: the relay carries what goes there, and a direct path is tried again by itself.', { retry: true }),

  // A flow that is refused or fails.
  not_a_resource: kind(403, 'The destination is not a Resource of this Client.', 'Grant the Resource to the Service Account, or allow direct connections (`--direct on`).', { wire: 64, proxyStatus: 'http_request_denied' }),
  port_denied: kind(403, 'The Resource does not allow this port or protocol.', 'Add the port to the Resource.', { wire: 65, proxyStatus: 'http_request_denied' }),
  not_in_connector_acl: kind(403, 'The Connector may not forward to this destination.', 'Check that the Resource belongs to the Connector’s Remote Network.', { wire: 66, proxyStatus: 'http_request_denied' }),
  acl_expired: kind(403, 'The ACL has expired.', 'The Client renews it by itself while it reaches the Controller.', { wire: 67, retry: true, proxyStatus: 'http_request_denied' }),
  acl_superseded: kind(403, 'A newer ACL replaces the one presented.', 'The Client renews it by itself while it reaches the Controller.', { wire: 68, retry: true, proxyStatus: 'http_request_denied' }),
  acl_stale: kind(503, 'The Connector has not heard from the Controller for longer than its staleness budget.', 'Restore the Connector’s link to the Controller.', { wire: 69, retry: true, proxyStatus: 'destination_unavailable' }),
  policy_denied: kind(403, 'A Security Policy keeps this Resource from your session.', 'Log in again as the policy asks (`sallyportd login`), or from where it lets you in; `detail` has policy and rule.', { wire: 83, proxyStatus: 'http_request_denied' }),
  grant_expired: kind(403, 'The grant has expired.', 'Ask an administrator to renew it.', { wire: 70, proxyStatus: 'http_request_denied' }),
  name_not_found: kind(502, 'The name does not exist in the Remote Network.', 'Check the name at the Connector’s resolver.', { wire: 71, proxyStatus: 'dns_error' }),
  name_failed: kind(502, 'The Connector’s resolver did not answer.', 'Check the resolver in the Remote Network (`SALLYPORT_DNS`).', { wire: 72, retry: true, proxyStatus: 'dns_timeout' }),
  address_forbidden: kind(403, 'The name resolves to an address that is never forwarded to.', 'Correct the DNS entry, or define the address itself as a Resource with `allow_reserved`.', { wire: 73, proxyStatus: 'destination_ip_prohibited' }),
  connection_refused: kind(502, 'The destination refused the connection.', 'Check that the service listens on this port.', { wire: 74, retry: true, proxyStatus: 'connection_refused' }),
  connection_timeout: kind(504, 'The destination did not answer.', 'Check the service and the firewall in the Remote Network.', { wire: 75, retry: true, proxyStatus: 'connection_timeout' }),
  host_unreachable: kind(502, 'The destination host is unreachable from the Connector.', 'Check routing in the Remote Network.', { wire: 76, retry: true, proxyStatus: 'destination_ip_unroutable' }),
  network_unreachable: kind(502, 'The destination network is unreachable from the Connector.', 'Check routing in the Remote Network.', { wire: 77, retry: true, proxyStatus: 'destination_ip_unroutable' }),
  connection_reset: kind(502, 'The destination reset the connection.', 'Check the service.', { wire: 78, retry: true, proxyStatus: 'connection_terminated' }),
  no_connector: kind(503, 'No Connector of the Remote Network can be reached.', 'Check its Connectors in the console.', { wire: 79, retry: true, proxyStatus: 'destination_unavailable' }),
  cancelled: kind(499, 'The Client gave up.', 'Nothing.', { wire: 80 }),
  icmp_unavailable: kind(403, 'The Connector may not send pings.', 'Add the Connector’s group to net.ipv4.ping_group_range on its host.', { wire: 82, proxyStatus: 'http_request_denied' }),
  idle_timeout: kind(504, 'The flow was idle for too long.', 'Open it again.', { wire: 81, retry: true, proxyStatus: 'connection_terminated' }),
  proxy_auth_required: kind(407, 'This proxy needs a password.', 'Send Proxy-Authorization, or `--proxy-user` with curl.'),
  unknown_error: kind(502, 'The peer named a reason that this version does not know.', 'Update this side.', { wire: 255 }),

  // Local mistakes of whoever starts an agent or a command.
  config_invalid: kind(400, 'The configuration is wrong.', 'See --help.'),
  key_file_missing: kind(400, 'The Service Key file cannot be read.', 'Check the path and its permissions, or pass --service-key PATH|-|env:NAME.'),
  key_file_invalid: kind(400, 'The Service Key file is not a valid Service Key.', 'Copy the whole file again, or create a new key.'),
  state_unreadable: kind(400, 'The state directory cannot be used.', 'Make it readable and writable for this user, with mode 0700.'),
  state_permissions: kind(400, 'A secret is readable by others.', 'chmod 600 the file that `detail` names.'),
  address_in_use: kind(400, 'The address to listen on is in use.', 'Stop the other program, or choose another port.'),
  tun_unavailable: kind(400, 'Transparent mode is not possible on this host.', 'Give what `detail` names, or use --tun off with --http-proxy or --socks5.'),
  tun_lost: kind(503, 'The network interface went away.', 'Nothing: the daemon makes it again.', { retry: true }),
  routes_failed: kind(500, 'A route or rule of the host could not be set.', 'See `detail` for what `ip` said.', { retry: true }),
  systemd_failed: kind(500, 'systemd did not do what it was asked.', 'See `systemctl status sallyport` and `journalctl -u sallyport`.'),
  not_running: kind(400, 'sallyportd is not running here.', 'Start it, or pass --state-dir.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errors;

/** A refusal that was expected, as a value. */
export interface Refusal<C extends ErrorCode = ErrorCode> {
  ok: false;
  code: C;
  /** For whoever asked: names the thing, never a secret. */
  detail?: string;
}

export type Verdict<T, C extends ErrorCode = ErrorCode> = ({ ok: true } & T) | Refusal<C>;

export const refuse = <C extends ErrorCode>(code: C, detail?: string): Refusal<C> =>
  detail === undefined ? { ok: false, code } : { ok: false, code, detail };

/** A fault: something that should not have happened, or ends the work at hand. */
export class SallyportError extends Error {
  readonly code: ErrorCode;
  /** Whether trying again is pointless. */
  readonly permanent: boolean;
  constructor(code: ErrorCode, detail?: string, options?: { cause?: unknown }) {
    super(detail ?? errors[code].title, options);
    this.name = 'SallyportError';
    this.code = code;
    this.permanent = !errors[code].retry;
  }
}

export const isErrorCode = (text: unknown): text is ErrorCode =>
  typeof text === 'string' && Object.hasOwn(errors, text);

const byWire = new Map<number, ErrorCode>(
  Object.entries(errors).flatMap(([code, { wire }]: [string, ErrorKind]) =>
    wire === undefined ? [] : [[wire, code as ErrorCode]],
  ),
);

/** The byte for a code on a tunnel or relay. A code without one is told as `internal_error`. */
export const wireOf = (code: ErrorCode): number => (errors[code] as ErrorKind).wire ?? 1;

/** The code of a byte that a peer sent. */
export const codeOf = (wire: number): ErrorCode => byWire.get(wire) ?? 'unknown_error';
