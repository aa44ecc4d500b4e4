/** Proves link/{identity,certificate,pinned-tls}.ts: who may be at the other end of the line, and who may not. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { createIdentity, identityOf } from '#node-agents/link/identity.ts';
import { acceptPinned, connectPinned } from '#node-agents/link/pinned-tls.ts';
import { connectorHashOf } from '#schema/ids.ts';
import { rawPair } from './tunnel/loopback.ts';

const [client, connector, stranger] = await Promise.all([
  createIdentity(),
  createIdentity(),
  createIdentity(),
]);
const timeoutMs = 3000;

describe('identity', () => {
  test('certificate, thumbprint and hash are those of the one key', async () => {
    const certificate = new X509Certificate(client.certificatePem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(client.privateKeyPem))).toBe(true);
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' })).toEqual(Buffer.from(client.spki));
    expect(certificate.subject).toBe('CN=sallyport');
    expect(new Date(certificate.validFrom).getTime()).toBe(0);
    expect(new Date(certificate.validTo).getUTCFullYear()).toBe(9999);
    expect(client.jkt).toBe(await calculateJwkThumbprint(client.publicJwk));
    expect(client.hash).toBe(await connectorHashOf(client.spki));
  });

  test('comes back from its PEM as the same', async () => {
    const again = await identityOf(client.privateKeyPem);
    expect([again.jkt, again.hash]).toEqual([client.jkt, client.hash]);
  });

  test('a file that holds something else is named, not thrown over', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    for (const pem of [
      'nonsense',
      ...[rsa, p384].map((key) => key.export({ type: 'pkcs8', format: 'pem' }) as string),
    ]) {
      await expect(identityOf(pem)).rejects.toMatchObject({ code: 'state_unreadable' });
    }
  });
});

describe('the handshake', () => {
  test('both learn the other’s key; bytes pass; TLS 1.3 with the hybrid key exchange', async () => {
    const [near, far] = await rawPair();
    const [socket, accepted] = await Promise.all([
      connectPinned(near, { identity: client, connectorHash: connector.hash, timeoutMs }),
      acceptPinned(far, { identity: connector, timeoutMs }),
    ]);
    expect(accepted.peerJkt).toBe(client.jkt);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    expect(socket.alpnProtocol).toBe('sallyport/1');
    socket.write('hello');
    expect(String((await once(accepted.socket, 'data'))[0])).toBe('hello');
    socket.destroy();
    accepted.socket.destroy();
  });

  test('runs over any Duplex', async () => {
    const [near, far] = await rawPair();
    const wrapped = new Duplex({
      read() {},
      write: (chunk, _encoding, done) => void near.write(chunk, () => done()),
      final: (done) => void near.end(done),
    });
    near.on('data', (chunk) => wrapped.push(chunk));
    near.on('end', () => wrapped.push(null));
    const [socket, accepted] = await Promise.all([
      connectPinned(wrapped, { identity: client, connectorHash: connector.hash, timeoutMs }),
      acceptPinned(far, { identity: connector, timeoutMs }),
    ]);
    accepted.socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    accepted.socket.destroy();
    socket.destroy();
  });

  test('a Connector with another key is not the pinned one, and learns nothing more', async () => {
    const [near, far] = await rawPair();
    const accepted = acceptPinned(far, { identity: stranger, timeoutMs }).catch(() => {});
    await expect(
      connectPinned(near, { identity: client, connectorHash: connector.hash, timeoutMs }),
    ).rejects.toMatchObject({ code: 'peer_not_pinned' });
    expect(near.destroyed).toBe(true);
    await accepted;
    await vi.waitUntil(() => far.destroyed);
  });

  /** A peer of our own making against `acceptPinned`. */
  async function refused(options: tls.ConnectionOptions): Promise<unknown> {
    const [near, far] = await rawPair();
    const peer = tls.connect({ socket: near, rejectUnauthorized: false, ...options });
    peer.on('error', () => {});
    const outcome = await acceptPinned(far, { identity: connector, timeoutMs }).then(
      () => undefined,
      (error) => error.code,
    );
    expect(far.destroyed || far.closed).toBe(true);
    peer.destroy();
    return outcome;
  }
  const own = { key: client.privateKeyPem, cert: client.certificatePem };

  test('a Client without a certificate is refused', async () => {
    expect(await refused({ ALPNProtocols: ['sallyport/1'] })).toBe('peer_not_pinned');
  });

  test('another ALPN, or none, is refused', async () => {
    expect(await refused({ ...own, ALPNProtocols: ['h2'] })).toBe('version_unsupported');
    expect(await refused(own)).toBe('version_unsupported');
  });

  test('TLS 1.2 is refused', async () => {
    expect(await refused({ ...own, ALPNProtocols: ['sallyport/1'], maxVersion: 'TLSv1.2' })).toBe(
      'version_unsupported',
    );
  });

  test('a Connector that offers TLS 1.2 or another ALPN is refused', async () => {
    for (const options of [
      { maxVersion: 'TLSv1.2' as const, ALPNProtocols: ['sallyport/1'] },
      { ALPNProtocols: ['h2'] },
      {},
    ]) {
      const [near, far] = await rawPair();
      const peer = new tls.TLSSocket(far, {
        isServer: true,
        key: connector.privateKeyPem,
        cert: connector.certificatePem,
        ...options,
      });
      peer.on('error', () => {});
      await expect(
        connectPinned(near, { identity: client, connectorHash: connector.hash, timeoutMs }),
      ).rejects.toMatchObject({ code: 'version_unsupported' });
      peer.destroy();
    }
  });

  test('silence ends in handshake_timeout, a closed line in peer_gone', async () => {
    const [near, far] = await rawPair();
    await expect(
      connectPinned(near, { identity: client, connectorHash: connector.hash, timeoutMs: 30 }),
    ).rejects.toMatchObject({ code: 'handshake_timeout' });
    far.destroy();
    const [first, second] = await rawPair();
    first.destroy();
    await expect(acceptPinned(second, { identity: connector, timeoutMs })).rejects.toMatchObject({
      code: 'peer_gone',
    });
  });

  test('garbage is no reason to crash', async () => {
    const [near, far] = await rawPair();
    near.write('GET / HTTP/1.1\r\n\r\n');
    await expect(acceptPinned(far, { identity: connector, timeoutMs })).rejects.toMatchObject({
      name: 'SallyportError',
    });
    near.destroy();
  });
});
