/**
 * One change by an administrator: what it writes, the audit entry, the raised ACL version, the floors under
 * old Client ACLs, the order to cut, and the kept answer, all in one batch of the database. Afterwards the
 * agents are told. Comes after a route has decided; `commit` is how the route ends.
 */

import { eq, sql } from 'drizzle-orm';
import type { FromControllerOf } from '#schema/control/messages.ts';
import { aclFloors, auditEntries, revocations, tenants } from '#schema/db/tables.ts';
import { type ErrorCode, refuse, type Verdict } from '#schema/errors.ts';
import { type Id, mintId, type Noun, type PrincipalId, timeOrdered } from '#schema/ids.ts';
import { describeFault } from './describe-fault.ts';
import type { Claim } from './idempotency.ts';
import type { Ports, RevocationReceipt } from './ports.ts';
import type { Scope, Statement } from './scope.ts';

/** Milliseconds that an administrator waits for Connectors and relays to confirm a revocation. */
const receiptTimeout = 2_000;

/** Who changes what, and where: the part of a request that a change needs. */
export interface ChangeOrigin {
  ports: Ports;
  scope: Scope;
  now: number;
  /** `tok_…`, or `operator`. */
  actor: string;
  requestId: string;
  address: string | null;
  claim?: Claim | undefined;
}

export type Subject = Omit<FromControllerOf<'revoke'>, 'type' | 'revocation'>;
export type Receipt = RevocationReceipt & { revocation: Id<'revocation'>; at: number };

type AuditTarget = Extract<
  Noun,
  | 'tenant'
  | 'remoteNetwork'
  | 'connector'
  | 'resource'
  | 'serviceAccount'
  | 'serviceKey'
  | 'grant'
  | 'apiToken'
  | 'instance'
  | 'user'
  | 'group'
  | 'policy'
  | 'identityProvider'
  | 'scimToken'
  | 'consoleSession'
  | 'userSession'
>;

export interface Answer<T> {
  body: T;
  status?: number;
}

export class Change {
  readonly #origin: ChangeOrigin;
  readonly #statements: Statement[] = [];
  readonly #floors = new Set<PrincipalId>();
  readonly #audit: Statement[] = [];
  #configuration = false;
  #revocation: (Subject & { id: Id<'revocation'> }) | undefined;

  constructor(origin: ChangeOrigin) {
    this.#origin = origin;
  }

  write(...statements: Statement[]): this {
    this.#statements.push(...statements);
    return this;
  }

  /** @param states of the target as the API shows it: never with a secret. */
  audit(
    verb: string,
    target: AuditTarget,
    id: string,
    states: { before?: unknown; after?: unknown } = {},
  ): this {
    const { scope, now, actor, requestId, address } = this.#origin;
    const targetKind = target.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    this.#audit.push(
      scope.insert(auditEntries, {
        id: mint(this.#origin, 'auditEntry'),
        at: now,
        actor,
        action: `${targetKind}.${verb}`,
        targetKind,
        targetId: id,
        before: states.before ?? null,
        after: states.after ?? null,
        requestId,
        address,
      }),
    );
    return this;
  }

  /** An ACL can show this change. */
  configuration(): this {
    this.#configuration = true;
    return this;
  }

  /** Client ACLs issued before this change no longer count for these principals. */
  floor(...principals: string[]): this {
    for (const principal of principals) this.#floors.add(principal as PrincipalId);
    return this.configuration();
  }

  /** Cut what stands behind these, everywhere, and let nothing of it in again. */
  revoke(subject: Partial<Subject>): this {
    const none = { keys: [], instances: [], principals: [], connectors: [], jkts: [] };
    this.#revocation = { ...none, ...subject, id: mint(this.#origin, 'revocation') };
    return this.configuration();
  }

  /**
   * @param answer what the caller is told; of a revocation, made from its receipt.
   * @returns a refusal where a name, alias or address turned out to be taken, or something to be in use.
   */
  async commit<T>(answer: Answer<T> | ((receipt: Receipt) => Answer<T>)): Promise<Verdict<Answer<T>>> {
    const { scope, claim } = this.#origin;
    const statements = [...this.#statements, ...this.#audit, ...this.#version(), ...this.#revoked()];
    const early = typeof answer === 'function' ? undefined : answer;
    if (early && claim) statements.push(...(await claim.store(early)));
    try {
      if (statements.length > 0) await scope.batch(statements as [Statement, ...Statement[]]);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) return refusal;
      throw error;
    }
    const late = early ?? (answer as (receipt: Receipt) => Answer<T>)(await this.#cut());
    await this.#tell();
    if (!early && claim) await scope.batch(await claim.store(late));
    return { ok: true, ...late };
  }

  #version(): Statement[] {
    if (!this.#configuration) return [];
    const { scope, now } = this.#origin;
    const version = sql<number>`(select ${tenants.configVersion} from ${tenants} where ${eq(tenants.id, scope.tenantId)})`;
    return [
      scope.raiseVersion(),
      ...[...this.#floors].map((principalId) =>
        scope.insert(aclFloors, { principalId, version: version as never, at: now }).onConflictDoUpdate({
          target: [aclFloors.tenantId, aclFloors.principalId],
          set: { version: version as never, at: now },
        }),
      ),
    ];
  }

  #revoked(): Statement[] {
    if (!this.#revocation) return [];
    const { scope, now } = this.#origin;
    const { id, ...subject } = this.#revocation;
    return [scope.insert(revocations, { id, at: now, subject })];
  }

  /** The revocation stands whether or not anybody confirms it; the receipt says who did. */
  async #cut(): Promise<Receipt> {
    const { ports, scope, now, requestId } = this.#origin;
    const { id, ...subject } = this.#revocation!;
    if (Object.values(subject).every((named) => named.length === 0))
      return { agents: [], complete: true, revocation: id, at: now };
    const receipt: RevocationReceipt = await ports.channels
      .revoke(scope.tenantId, { type: 'revoke', revocation: id, ...subject }, receiptTimeout)
      .catch((error) => {
        ports.log('error', 'revocation_push_failed', {
          request_id: requestId,
          revocation: id,
          error: describeFault(error),
        });
        return { agents: [], complete: false };
      });
    ports.defer(scope.batch([scope.update(revocations, { receipt }, eq(revocations.id, id))]));
    return { ...receipt, revocation: id, at: now };
  }

  async #tell(): Promise<void> {
    if (!this.#configuration) return;
    const { ports, scope, requestId } = this.#origin;
    // Committed already: whatever is not told now is seen at the next change or renewal.
    await ports.channels.configurationChanged(scope.tenantId).catch((error) => {
      ports.log('error', 'configuration_push_failed', { request_id: requestId, error: describeFault(error) });
    });
  }
}

/** Ids sort by their time, so that lists go by age and inserts stay at one end of the index. */
export const mint = <N extends Noun>({ ports, now }: Pick<ChangeOrigin, 'ports' | 'now'>, noun: N): Id<N> =>
  mintId(noun, timeOrdered(now, ports.random(16)));

/** What a broken constraint means to whoever asked. */
const constraints: readonly [RegExp, ErrorCode][] = [
  [/UNIQUE constraint failed:.*\.alias/, 'alias_taken'],
  [/UNIQUE constraint failed:.*resources\.address/, 'address_taken'],
  [/UNIQUE constraint failed:.*(\.(name|slug|hostname)|users_user_name)/, 'name_taken'],
  [/UNIQUE constraint failed:.*grants\.grantee_id/, 'in_use'],
  [/FOREIGN KEY constraint failed/, 'in_use'],
];

export function refusalOf(error: unknown): ReturnType<typeof refuse> | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const found = constraints.find(([pattern]) => pattern.test((at as Error).message));
    if (found) return refuse(found[1]);
  }
  return undefined;
}
