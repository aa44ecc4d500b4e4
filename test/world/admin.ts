/**
 * An administrator's hands in tests and in the demo: the REST API with a token, and a thrown error that says
 * what the Controller answered.
 */

/** Whatever has no answer by then has none later either; better said than found out by the test's own time limit. */
const answerMs = 60_000;

export class AdminError extends Error {
  readonly status: number;
  readonly problem: Record<string, unknown>;
  constructor(method: string, path: string, status: number, problem: Record<string, unknown>) {
    super(`${method} ${path}: ${status} ${JSON.stringify(problem)}`);
    this.status = status;
    this.problem = problem;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests read fields of many answers; a wrong name fails the test itself
export type Answer = any;

export class Admin {
  readonly url: string;
  readonly token: string;

  /** @param url of the Tenant or the deployment, without `/api/v1`. */
  constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  get = (path: string): Promise<Answer> => this.#call('GET', path);
  post = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
    this.#call('POST', path, body ?? {}, headers);
  patch = (path: string, body: unknown): Promise<Answer> => this.#call('PATCH', path, body);
  delete = (path: string): Promise<Answer> => this.#call('DELETE', path);

  async #call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(answerMs),
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((cause) => {
      throw new Error(`${method} ${path}: no answer`, { cause });
    });
    const text = await response.text();
    const answer = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new AdminError(method, path, response.status, answer);
    return answer;
  }
}
