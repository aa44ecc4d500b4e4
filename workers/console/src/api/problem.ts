/**
 * What the Controller refuses, as it says it: a problem document (RFC 9457) with a code, what is wrong, what
 * to do about it, and for a form which fields.
 */
interface Said {
  code: string;
  title: string;
  detail?: string | undefined;
  remedy?: string | undefined;
  requestId?: string | undefined;
  /** Whether the same request may succeed later. */
  retry?: boolean | undefined;
  status?: number | undefined;
  /** JSON pointers (RFC 6901) into the request's body, each with what is wrong there. */
  fields?: { pointer: string; detail: string }[] | undefined;
  members?: Record<string, unknown> | undefined;
  cause?: unknown;
}

export class Problem extends Error {
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  readonly remedy: string | undefined;
  readonly requestId: string | undefined;
  readonly retry: boolean;
  readonly status: number | undefined;
  readonly fields: readonly { pointer: string; detail: string }[];
  readonly members: Record<string, unknown>;

  constructor(said: Said) {
    super(said.detail ?? said.title, { cause: said.cause });
    this.code = said.code;
    this.title = said.title;
    this.detail = said.detail;
    this.remedy = said.remedy;
    this.requestId = said.requestId;
    this.retry = said.retry ?? false;
    this.status = said.status;
    this.fields = said.fields ?? [];
    this.members = said.members ?? {};
  }
}

export async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined);
  return new Problem({
    code: text('code') ?? 'unexpected_answer',
    title: text('title') ?? `The Controller answered ${response.status}`,
    detail: text('detail'),
    remedy: text('remedy'),
    requestId: text('request_id'),
    retry: body['retry'] === true,
    status: response.status,
    fields: Array.isArray(body['errors']) ? (body['errors'] as Said['fields']) : [],
    members: body,
  });
}

/** Of anything that was thrown: what can be shown. */
export const asProblem = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem({
        code: 'console_fault',
        title: 'The console made a mistake',
        detail: error instanceof Error ? error.message : String(error),
        remedy: 'Reload the page; if it happens again, please report it.',
        cause: error,
      });
