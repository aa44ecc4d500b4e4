/**
 * The key pair that an agent is: a Client instance makes a fresh one at every start, a Connector and a relay
 * keep theirs in the state directory. Tokens are bound to its thumbprint, a Connector's name is its hash, and
 * `pinned-tls.ts` proves possession of it in the handshake.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  type webcrypto,
} from 'node:crypto';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { type PublicJwk, publicJwk } from '#schema/control/login.ts';
import { SallyportError } from '#schema/errors.ts';
import { type ConnectorHash, connectorHashOf } from '#schema/ids.ts';
import { promisify } from '../process/node-util.ts';
import { selfSigned } from './certificate.ts';

export interface Identity {
  readonly privateKey: KeyObject;
  /** The same private key for jose: ECDSA P-256, `sign` only. */
  readonly cryptoKey: webcrypto.CryptoKey;
  readonly publicJwk: PublicJwk;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** RFC 7638 SHA-256 thumbprint of the public key. */
  readonly jkt: string;
  readonly hash: ConnectorHash;
  readonly certificatePem: string;
  /** PKCS#8: what a state directory keeps. */
  readonly privateKeyPem: string;
}

const generate = promisify(generateKeyPair);

/** A new P-256 key pair. */
export async function createIdentity(): Promise<Identity> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
  return identityFrom(privateKey);
}

/**
 * @param privateKeyPem PKCS#8 PEM of a P-256 key, as `privateKeyPem` above.
 * @throws SallyportError state_unreadable when it is anything else.
 */
export async function identityOf(privateKeyPem: string): Promise<Identity> {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(privateKeyPem);
  } catch (cause) {
    throw new SallyportError('state_unreadable', 'the private key is not a PKCS#8 PEM', { cause });
  }
  if (privateKey.asymmetricKeyType !== 'ec' || privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new SallyportError('state_unreadable', 'the private key is not an EC P-256 key');
  }
  return identityFrom(privateKey);
}

async function identityFrom(privateKey: KeyObject): Promise<Identity> {
  const publicKey = createPublicKey(privateKey);
  const jwk = jwkOf(publicKey);
  const spki = spkiOf(publicKey);
  return Object.freeze({
    privateKey,
    cryptoKey: privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
    publicJwk: jwk,
    spki,
    jkt: await calculateJwkThumbprint(jwk),
    hash: await connectorHashOf(spki),
    certificatePem: selfSigned(publicKey, privateKey),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  });
}

/** The four members of an EC P-256 public key. @throws ZodError for a key of another kind. */
export const jwkOf = (publicKey: KeyObject): PublicJwk =>
  publicJwk.parse(publicKey.export({ format: 'jwk' }));

export const spkiOf = (publicKey: KeyObject): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
