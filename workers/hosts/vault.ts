/**
 * Seals secrets at rest under the deployment's key-encryption key: AES-256-GCM (NIST SP 800-38D) with a
 * random 96-bit nonce, the context as additional data, so that what was sealed for one row opens in no other.
 * A sealed text is base64url of `version byte 1 | nonce (12) | ciphertext and tag`.
 */
import { SallyportError } from '#schema/errors.ts';
import type { Vault } from '#workers/controller/ports.ts';

const version = 1;
const nonceBytes = 12;

/** @param kek 32 bytes, base64. @throws SallyportError `config_invalid` at first use when it is not. */
export function createVault(kek: string): Vault {
  let imported: Promise<CryptoKey> | undefined;
  const key = () => {
    imported ??= importKek(kek);
    return imported;
  };

  return {
    async seal(plain, context) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const sealed = await crypto.subtle.encrypt(parameters(nonce, context), await key(), plain);
      return toBase64url(new Uint8Array([version, ...nonce, ...new Uint8Array(sealed)]));
    },

    async open(sealed, context) {
      const bytes = fromBase64url(sealed);
      if (bytes[0] !== version) throw new SallyportError('internal_error', 'sealed by an unknown version');
      const nonce = bytes.slice(1, 1 + nonceBytes);
      try {
        const cipher = bytes.slice(1 + nonceBytes);
        return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, context), await key(), cipher));
      } catch (cause) {
        throw new SallyportError('internal_error', 'a sealed secret does not open: wrong SALLYPORT_KEK?', {
          cause,
        });
      }
    },
  };
}

const parameters = (iv: Uint8Array<ArrayBuffer>, context: string) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(`sallyport vault 1 ${context}`),
});

async function importKek(kek: string): Promise<CryptoKey> {
  const bytes = Uint8Array.from(atob(kek), (char) => char.charCodeAt(0));
  if (bytes.length !== 32)
    throw new SallyportError('config_invalid', 'SALLYPORT_KEK is not 32 bytes of base64');
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function toBase64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
}
