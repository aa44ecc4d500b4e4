/**
 * One request to the Controller's REST API with an API token; a problem document becomes an error that says
 * what the Controller said.
 */
import { errors, isErrorCode, SallyportError } from '#schema/errors.ts';

export interface Settings {
  /** The Tenant's or the deployment's URL. */
  url: string | undefined;
  apiToken: string | undefined;
  operatorToken: string | undefined;
}

const timeoutMs = 30_000;

export class Api {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @returns the parsed answer, undefined for 204. */
  async send(
    method: string,
    path: string,
    fields: Record<string, unknown>,
    operator: boolean,
  ): Promise<unknown> {
    const { url, apiToken, operatorToken } = this.#settings;
    if (!url) throw new SallyportError('config_invalid', 'SALLYPORT_URL is not set: the URL of the Tenant.');
    const token = operator ? operatorToken : apiToken;
    if (!token) {
      const name = operator ? 'SALLYPORT_OPERATOR_TOKEN' : 'SALLYPORT_API_TOKEN';
      throw new SallyportError('config_invalid', `${name} is not set.`);
    }
    const target = new URL(`${url.replace(/\/+$/, '')}/api/v1${path}`);
    const body = method === 'POST' || method === 'PATCH';
    if (!body)
      for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, String(value));
    const response = await fetch(target, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(fields) }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause) => {
      throw new SallyportError('controller_unreachable', `Cannot reach ${target.origin}.`, { cause });
    });
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : JSON.parse(text);
    throw problem(response.status, text);
  }
}

function problem(status: number, text: string): SallyportError {
  try {
    const { code, title, detail } = JSON.parse(text) as { code: unknown; title?: string; detail?: string };
    if (isErrorCode(code)) {
      return new SallyportError(code, [detail ?? title ?? errors[code].title, errors[code].remedy].join(' '));
    }
  } catch {
    // Not a problem document: a proxy in between, or not a Controller at all.
  }
  return new SallyportError(
    'unavailable',
    `The answer was HTTP ${status} and not the Controller’s. Check SALLYPORT_URL.`,
  );
}
