/**
 * One request to the Controller's REST API with an API token; a problem document becomes an error that says
 * what the Controller said.
 */
import { errors, isErrorCode, SallyportError } from '#schema/errors.ts';
import type { Method } from './command.ts';

export interface Settings {
  /** The Tenant's or the deployment's URL. */
  url: string | undefined;
  apiToken: string | undefined;
  operatorToken: string | undefined;
}

/** What the API lists. */
export interface Item {
  id: string;
  [field: string]: unknown;
}

const timeoutMs = 30_000;
const pageLimit = 200;

export class Api {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @returns the parsed answer, undefined for 204. */
  async send(
    method: Method,
    path: string,
    fields: Record<string, unknown> = {},
    operator = false,
  ): Promise<unknown> {
    const token = operator ? this.#settings.operatorToken : this.#settings.apiToken;
    const tokenName = operator ? 'SALLYPORT_OPERATOR_TOKEN' : 'SALLYPORT_API_TOKEN';
    if (!token) throw new SallyportError('config_invalid', `${tokenName} is not set.`);
    const target = new URL(`${this.#base(operator)}/api/v1${path}`);
    const body = method === 'POST' || method === 'PATCH';
    if (!body)
      for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, String(value));
    const { status, text } = await exchange(target, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(fields) }),
    });
    const answer = parse(text);
    if (status < 300 && (text === '' || answer !== undefined)) return answer;
    throw status === 401
      ? new SallyportError('unauthenticated', `${tokenName} is not accepted: wrong, revoked or expired.`)
      : problem(status, answer);
  }

  /** Every item of a list, page after page. */
  async all(path: string, fields: Record<string, unknown> = {}, operator = false): Promise<Item[]> {
    const items: Item[] = [];
    for (let cursor: string | null | undefined = ''; cursor !== null && cursor !== undefined; ) {
      const query = { ...fields, limit: pageLimit, ...(cursor !== '' && { cursor }) };
      const page = (await this.send('GET', path, query, operator)) as {
        items: Item[];
        next_cursor?: string | null;
      };
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return items;
  }

  /** The operator's routes are on the deployment's own URL, whichever Tenant's URL was given. */
  #base(operator: boolean): string {
    const { url } = this.#settings;
    if (!url) throw new SallyportError('config_invalid', 'SALLYPORT_URL is not set: the URL of the Tenant.');
    const parsed = URL.parse(url);
    if (!parsed || !/^https?:$/.test(parsed.protocol))
      throw new SallyportError('config_invalid', `SALLYPORT_URL is no http or https URL: ${url}.`);
    const base = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
    return operator ? base.replace(/\/t\/[^/]+$/, '') : base;
  }
}

async function exchange(target: URL, request: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(target, { ...request, signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const why = reason(cause as Error);
    throw new SallyportError('controller_unreachable', `Cannot reach ${target.origin}: ${why}.`, { cause });
  }
}

function reason(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  const cause = error.cause as (Error & { code?: string }) | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Problem {
  code?: unknown;
  title?: string;
  detail?: string;
  errors?: { pointer: string; in: string; detail: string }[];
}

function problem(status: number, answer: unknown): SallyportError {
  const { code, title, detail, errors: fields } = (answer ?? {}) as Problem;
  if (!isErrorCode(code)) {
    return new SallyportError(
      'unavailable',
      `The answer was HTTP ${status} and not the Controller’s. Check SALLYPORT_URL.`,
    );
  }
  if (fields) {
    const each = fields.map((field) => `${field.pointer.slice(1) || field.in}: ${field.detail}`);
    return new SallyportError(code, `${each.join('; ')}.`);
  }
  const told = (detail ?? title ?? errors[code].title).replace(/\.?$/, '.');
  return new SallyportError(code, `${told} ${errors[code].remedy}`);
}
