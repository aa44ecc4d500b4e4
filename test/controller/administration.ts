/**
 * A Controller in real workerd for the tests of administrators' routes: Tenants to work in, raw answers where
 * headers and problems matter, and the tables where a test must put what only agents or time would write.
 */
import { type ControllerOptions, type RunningController, startController } from '#workers/local/start.ts';
import { Admin, AdminError, type Answer } from '../world/admin.ts';
import { freePort } from '../world/free-port.ts';

export interface Told {
  status: number;
  headers: Headers;
  body: Answer;
}

export class Administration {
  readonly controller: RunningController;
  readonly operator: Admin;
  readonly logs: string[];
  #tenants = 0;

  constructor(controller: RunningController, logs: string[]) {
    this.controller = controller;
    this.operator = new Admin(controller.url, controller.operatorToken);
    this.logs = logs;
  }

  static async start(options: ControllerOptions = {}): Promise<Administration> {
    const logs: string[] = [];
    const port = options.port ?? (await freePort());
    return new Administration(
      await startController({ ...options, port, onLog: (line) => logs.push(line) }),
      logs,
    );
  }

  stop = (): Promise<void> => this.controller.stop();

  /** A fresh Tenant; its administrator holds every scope. */
  async tenant(more: Record<string, unknown> = {}): Promise<{ admin: Admin; id: string; slug: string }> {
    const slug = `t${++this.#tenants}-${process.pid}`;
    const made = await this.operator.post('/tenants', { slug, name: slug, ...more });
    return { admin: new Admin(made.url, made.api_token.token), id: made.id, slug };
  }

  /** Any request, answered as it is. `path` is below the deployment’s URL. */
  async ask(method: string, path: string, init: RequestInit & { token?: string } = {}): Promise<Told> {
    const { token, ...rest } = init;
    const response = await fetch(path.startsWith('http') ? path : this.controller.url + path, {
      method,
      ...rest,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...rest.headers },
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  async sql<Row = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<Row[]> {
    const database = await this.controller.database();
    return (
      await database
        .prepare(text)
        .bind(...values)
        .all<Row>()
    ).results;
  }
}

export const json = (body: unknown, token?: string) => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json' },
  ...(token !== undefined && { token }),
});

/** The problem that the request ends in. */
export async function problemOf(request: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await request.then(
    (answer) => new Error(`no problem, but ${JSON.stringify(answer)}`),
    (error) => error,
  );
  if (!(error instanceof AdminError)) throw error;
  return { status: error.status, ...error.problem };
}
