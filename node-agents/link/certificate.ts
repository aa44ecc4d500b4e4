/**
 * A self-signed X.509 certificate for an agent's key, as TLS wants to see one. It carries the public key
 * and nothing that anybody relies on: both sides pin the key itself (`pinned-tls.ts`), so names, times and
 * extensions say nothing. Written as DER by hand: the usual library takes longer to load than an agent to start.
 */
import { type KeyObject, sign } from 'node:crypto';

/**
 * @param publicKey EC P-256.
 * @returns PEM of a v3 certificate, CN=sallyport, valid 1970 to 9999, ECDSA with SHA-256 (RFC 5280 §4.1, RFC 5758 §3.2).
 */
export function selfSigned(publicKey: KeyObject, privateKey: KeyObject): string {
  const version3 = der(0xa0, der(0x02, [2]));
  const serial = der(0x02, [1]);
  const signed = sequence(
    version3,
    serial,
    ecdsaWithSha256,
    name,
    forever,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = bitString(sign('sha256', signed, privateKey));
  return pem(sequence(signed, ecdsaWithSha256, signature));
}

/** One value: tag, length in the short or long form (X.690 §8.1.3), content. */
function der(tag: number, ...content: (Uint8Array | readonly number[])[]): Buffer {
  const body = Buffer.concat(content.map((part) => Uint8Array.from(part)));
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
/** No unused bits. */
const bitString = (bytes: Uint8Array): Buffer => der(0x03, [0], bytes);

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
/** CN (2.5.4.3) = sallyport, as UTF8String. */
const name = sequence(
  der(0x31, sequence(der(0x06, [0x55, 0x04, 0x03]), der(0x0c, Buffer.from('sallyport')))),
);
/** UTCTime up to 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). */
const forever = sequence(der(0x17, Buffer.from('700101000000Z')), der(0x18, Buffer.from('99991231235959Z')));

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}
