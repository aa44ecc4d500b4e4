/** What the operator CLI says when something is wrong, in one line; and what it says when it is asked for help. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { address, OperatorCli } from './cli.ts';

let cli: OperatorCli;
beforeAll(async () => {
  cli = await OperatorCli.furnished();
});
afterAll(() => cli?.stop());

describe('mistakes are told in one line', () => {
  test.each([
    ['an unknown command', ['nothing'], {}, 2, 'There is no command “nothing”'],
    ['an unknown verb', ['network', 'paint'], {}, 2, 'network create, list, show'],
    ['an unknown flag', ['network', 'list', '--colour', 'red'], {}, 2, '--colour'],
    ['a missing flag', ['network', 'create'], {}, 2, 'needs --name'],
    ['a missing argument', ['network', 'show'], {}, 2, 'takes one argument, not 0'],
    ['a wrong value', ['network', 'list', '--limit', 'many'], {}, 2, '--limit takes a number'],
    ['an unknown name', ['resource', 'show', 'nobody'], {}, 1, 'There is no Resource nobody'],
    ['an unknown id', ['grant', 'show', `grt_${'0'.repeat(26)}`], {}, 1, 'no grant grt_'],
    ['half a name', ['key', 'show', 'ci'], {}, 2, 'SERVICE/KEY'],
    ['a name that is taken', ['network', 'create', '--name', 'office'], {}, 1, 'already in use'],
    ['what is in use', ['network', 'delete', 'office'], {}, 1, 'are in it'],
    ['an unreadable document', ['apply', '/nowhere.json'], {}, 2, 'cannot be read (ENOENT)'],
    ['a follow with an end', ['events', '--follow', '--until', '2026-01-01T00:00:00Z'], {}, 2, 'no end'],
    ['no URL', ['network', 'list'], { SALLYPORT_URL: '' }, 2, 'SALLYPORT_URL is not set'],
    ['a URL that is none', ['network', 'list'], { SALLYPORT_URL: 'acme' }, 2, 'no http or https URL'],
    ['no token', ['network', 'list'], { SALLYPORT_API_TOKEN: '' }, 2, 'SALLYPORT_API_TOKEN is not set'],
    [
      'a wrong operator token',
      ['tenant', 'list'],
      { SALLYPORT_OPERATOR_TOKEN: 'x' },
      1,
      'SALLYPORT_OPERATOR_TOKEN',
    ],
  ])('%s', async (_, args, env, code, told) => {
    const done = await cli.run(args, env as unknown as Record<string, string>);
    expect(done).toMatchObject({ code, out: '' });
    expect(done.error).toContain(told);
    expect(done.error).toMatch(/^sallyport: [^\n]+\n$/);
  });

  test('a Controller that is not there ends with a code of its own', async () => {
    const done = await cli.run(['network', 'list'], {
      SALLYPORT_URL: `http://127.0.0.1:${await cli.world.port()}`,
    });
    expect(done).toMatchObject({ code: 5, out: '' });
    expect(done.error).toContain('ECONNREFUSED');
  });

  test('a Tenant that is not there', async () => {
    const done = await cli.run(['network', 'list'], { SALLYPORT_URL: `${cli.world.url}/t/nobody` });
    expect(done).toMatchObject({ code: 1 });
    expect(done.error).toContain('There is no such Tenant');
  });

  test('what answers but is no Controller', async () => {
    const origin = createServer((_, response) => response.end('hello\n')).listen(cli.port, address);
    await once(origin, 'listening');
    const done = await cli.run(['network', 'list'], { SALLYPORT_URL: `http://${address}:${cli.port}` });
    expect(done).toMatchObject({ code: 1 });
    origin.closeAllConnections();
    origin.close();
    expect(done.error).toContain('not the Controller’s');
  });
});

test('help names every command and every flag', async () => {
  expect((await cli.run([])).out).toContain('apply FILE');
  expect((await cli.run(['grant', 'create', '--help'])).out).toMatch(
    /--service +the Service Account\n +--user .*\n +--group .*\n +--resource +the Resource \(required\)/,
  );
});
