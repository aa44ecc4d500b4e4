/**
 * Whom a relay does not let in. Part of `relay.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentials, type Key, newKey, type RegisterLink, seconds, type Tenant } from './relay-parties.ts';
import { refusal, type Stage } from './relay-stage.ts';

export function refusals(stage: Stage): void {
  const { register, connectHeaders, connectWith } = stage;

  describe('a Client is refused', () => {
    let link: RegisterLink;
    let client: Key;
    beforeAll(async () => {
      link = await register(await newKey());
      link.onIncoming = () => expect.unreachable('nobody is announced');
      client = await newKey();
    });
    afterAll(() => link.close());
    const refusedWith = async (token: string, by: Key = client) =>
      refusal(connectWith(await connectHeaders(link.key.hash, by, token)));
    const tokenWith = (more: Parameters<Tenant['connectionToken']>[2]) =>
      stage.tenant.connectionToken(link.key.hash, client.jkt, more);

    test('without a token, and without a proof', async () => {
      expect(await refusal(connectWith({}))).toEqual({ status: 401, code: 'token_invalid' });
      const authorization = `DPoP ${await tokenWith({})}`;
      expect(await refusal(connectWith({ authorization }))).toEqual({ status: 401, code: 'proof_invalid' });
    });

    test('with an expired token', async () => {
      const iat = seconds() - 120;
      const refused = await refusedWith(await tokenWith({ iat, exp: iat + 60 }));
      expect(refused).toEqual({ status: 401, code: 'token_expired' });
    });

    test('with a forged token', async () => {
      const refused = await refusedWith(await tokenWith({ signedBy: await newKey() }));
      expect(refused).toEqual({ status: 401, code: 'token_invalid' });
      const unknownKey = await refusedWith(await tokenWith({ kid: 'k9' }));
      expect(unknownKey).toEqual({ status: 401, code: 'token_invalid' });
    });

    test('with a token of an issuer that is not accepted', async () => {
      const elsewhere = await refusedWith(await tokenWith({ iss: 'https://elsewhere.example/t/acme' }));
      expect(elsewhere).toEqual({ status: 401, code: 'token_invalid' });
      const noSuchTenant = await refusedWith(
        await tokenWith({ iss: stage.tenant.issuer.replace('acme', 'nobody') }),
      );
      expect(noSuchTenant).toEqual({ status: 401, code: 'token_invalid' });
    });

    test('with a token that names no Connector, or of another kind', async () => {
      expect(await refusedWith(await tokenWith({ aud: 'net_1' }))).toEqual({
        status: 403,
        code: 'wrong_audience',
      });
      const registration = await stage.tenant.registrationToken(client);
      expect(await refusedWith(registration)).toEqual({ status: 401, code: 'token_invalid' });
    });

    test('with the token of another key', async () => {
      const refused = await refusedWith(await tokenWith({}), await newKey());
      expect(refused).toEqual({ status: 401, code: 'proof_invalid' });
    });

    test('with a proof for another door', async () => {
      const headers = await credentials(stage.relay.url, 'register', client, await tokenWith({}));
      expect(await refusal(connectWith(headers))).toEqual({ status: 401, code: 'proof_invalid' });
    });

    test('when the Connector is not there', async () => {
      const { hash } = await newKey();
      const refused = connectWith(await connectHeaders(hash, client));
      expect(await refusal(refused)).toEqual({ status: 503, code: 'connector_offline' });
    });
  });

  test('a token is good once, even with a fresh proof', async () => {
    const link = await register(await newKey());
    link.onIncoming = (session) => void link.accept(session, 'websocket');
    const client = await newKey();
    const token = await stage.tenant.connectionToken(link.key.hash, client.jkt);
    const first = await connectWith(await connectHeaders(link.key.hash, client, token));
    const again = connectWith(await connectHeaders(link.key.hash, client, token));
    expect(await refusal(again)).toEqual({ status: 401, code: 'token_replayed' });
    first.finish();
    link.close();
  });

  test('a Connector that does not accept in time', async () => {
    const link = await register(await newKey());
    const session = link.nextIncoming();
    const refused = refusal(connectWith(await connectHeaders(link.key.hash, await newKey())));
    expect(await refused).toEqual({ status: 504, code: 'connector_unresponsive' });
    const late = await refusal(link.accept(await session, 'websocket'));
    expect(late).toEqual({ status: 502, code: 'peer_gone' });
    link.close();
  });

  test('a session is accepted once, by its secret, through its own Connector', async () => {
    const [link, other] = [await register(await newKey()), await register(await newKey())];
    const session = link.nextIncoming();
    const waiting = connectWith(await connectHeaders(link.key.hash, await newKey()));
    const announced = await session;
    const gone = { status: 502, code: 'peer_gone' };
    expect(await refusal(other.accept(announced, 'websocket'))).toEqual(gone);
    const last = announced.at(-1) === 'A' ? 'B' : 'A';
    expect(await refusal(link.accept(announced.slice(0, -1) + last, 'websocket'))).toEqual(gone);
    expect(await refusal(link.accept('short', 'websocket'))).toEqual({ status: 400, code: 'bad_request' });
    const accepted = await link.accept(announced, 'websocket');
    expect(await refusal(link.accept(announced, 'websocket'))).toEqual(gone);
    (await waiting).finish();
    expect(await accepted.closed).toBe('end');
    link.close();
    other.close();
  });
}
