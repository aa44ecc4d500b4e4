/**
 * What the demo prints: sentences for a person, or the same facts as one JSON object per line.
 */

import type { ProxyAnswer } from './request.ts';
import type { DemoFacts } from './start.ts';

const sentences: Record<string, (f: Record<string, unknown>) => string> = {
  controller: (f) => `Controller    ${f.url}   (workerd: D1 and Durable Objects)`,
  tenant: (f) => `Tenant        ${f.tenant}`,
  relay: (f) => `Relay         ${f.url}   (and a second one beside the Controller)`,
  origin: (f) => `Private page  ${f.url}   (answers nobody but the Connector)`,
  resource: (f) => `Resource      ${f.address}   in Remote Network “${f.network}”`,
  connector: (f) => `Connector     ${f.id}   dials out only`,
  service: (f) => `Service       ${f.name}, key in ${f.service_key}`,
  people: (f) => `People        ${(f.users as string[]).length} demo users without passwords, at ${f.issuer}`,
  client: (f) => `Client        sallyportd --http-proxy ${String(f.proxy).replace('http://', '')} --tun off`,
};

export function narrator(json: boolean) {
  const line = (value: Record<string, unknown>, text: string) =>
    process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
  return {
    step(step: string, fields: Record<string, unknown>): void {
      line({ step, ...fields }, `  ${sentences[step]?.(fields) ?? step}`);
    },
    ready(facts: DemoFacts): void {
      line({ step: 'ready', ...facts }, readyText(facts));
    },
    request(kind: string, url: string, answer: ProxyAnswer): void {
      line(
        { step: 'request', kind, url, ...answer },
        `\n${kind}: ${url}\n  ${answer.status}  ${answer.body.trim()}`,
      );
    },
  };
}

const readyText = (facts: DemoFacts) => `
This works:      curl -x ${facts.proxy} ${facts.allowed_url}
This is denied:  curl -x ${facts.proxy} ${facts.denied_url}

Console:         ${facts.console_url}   (pick a demo user: owner, admin, devops, support, auditor)
Admin API:       ${facts.admin_url}/api/v1   (OpenAPI: /api/v1/openapi.json)
API token:       ${facts.api_token}
What happened:   curl -H 'Authorization: Bearer ${facts.api_token}' ${facts.admin_url}/api/v1/events

Ctrl-C ends it.`;
