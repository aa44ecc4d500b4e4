/** What the console gives people to run: each text names the Tenant, has the token once, and is well-formed. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { readInvocation } from '#node-agents/process/config.ts';
import { slugOf, texts } from '#workers/console/src/pages/connectors/texts.ts';

const token = `spe_${'a'.repeat(43)}`;
const enrolment = { url: 'https://acme.example.com', token, name: 'Büro 1 "east"', image: 'sallyport' };
const byId = Object.fromEntries(texts(enrolment).map((one) => [one.id, one.text]));

test('names become what containers, units and Kubernetes take alike', () => {
  expect(slugOf('office-1')).toBe('sallyport-office-1');
  expect(slugOf('Büro 1 "east"')).toMatch(/^[a-z][a-z0-9-]*[a-z0-9]$/);
  expect(slugOf('x'.repeat(100)).length).toBeLessThanOrEqual(50);
});

test.each(Object.entries(byId))('%s names the Tenant, and has the token once', (_, text) => {
  expect(text).toContain(enrolment.url);
  expect(text.split(token)).toHaveLength(2);
});

test.each(['docker', 'ecs', 'systemd', 'kubernetes'])('%s is a script that a shell takes', (id) => {
  execFileSync('sh', ['-n'], { input: byId[id] });
});

test('the task definition is JSON', () => {
  const [, json] = /<<JSON\n([\s\S]*?)\nJSON/.exec(byId['ecs']!)!;
  expect(JSON.parse(json!)).toMatchObject({ family: slugOf(enrolment.name), networkMode: 'awsvpc' });
});

test('the variables are those that a Connector reads', () => {
  const named = new Set(Object.values(byId).flatMap((text) => text.match(/SALLYPORT_\w+/g) ?? []));
  const env = {
    SALLYPORT_URL: enrolment.url,
    SALLYPORT_ENROLL_TOKEN: token,
    SALLYPORT_STATE_DIR: '/var/lib/x',
  };
  const { command, config } = readInvocation(['connector'], { ...env, SALLYPORT_CONNECTOR_KEY: 'key' }) as {
    command: string;
    config: Record<string, unknown>;
  };
  expect([...named].sort()).toEqual([...Object.keys(env), 'SALLYPORT_CONNECTOR_KEY'].sort());
  expect(command).toBe('connector');
  expect(config).toMatchObject({ url: enrolment.url, stateDir: '/var/lib/x' });
});

test('a Controller on this machine alone is reached by the host’s own network', () => {
  const [docker, compose] = texts({ ...enrolment, url: 'http://127.0.0.1:8787/t/acme' });
  expect(docker!.text).toContain('--network host');
  expect(compose!.text).toContain('network_mode: host');
});
