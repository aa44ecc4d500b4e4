/** What the vault seals opens with the same key in the same place, and nowhere else. */
import { expect, test } from 'vitest';
import { createVault } from '#workers/hosts/vault.ts';

const kek = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const secret = new Uint8Array([1, 2, 3]);

test('a sealed secret opens again, and two seals of it differ', async () => {
  const vault = createVault(kek(1));
  const [one, two] = [await vault.seal(secret, 'a'), await vault.seal(secret, 'a')];
  expect(one).not.toBe(two);
  expect(await vault.open(one, 'a')).toEqual(secret);
  expect(await createVault(kek(1)).open(two, 'a')).toEqual(secret);
});

test('it opens neither under another key, nor for another row, nor when a bit is flipped', async () => {
  const sealed = await createVault(kek(1)).seal(secret, 'a');
  await expect(createVault(kek(2)).open(sealed, 'a')).rejects.toThrow('wrong SALLYPORT_KEK');
  await expect(createVault(kek(1)).open(sealed, 'b')).rejects.toThrow('does not open');
  // Not by the last bits of the last character, which stand for nothing.
  for (let at = 0; at < sealed.length; at += 7) {
    const flipped = sealed.slice(0, at) + (sealed[at] === 'A' ? 'Q' : 'A') + sealed.slice(at + 1);
    await expect(createVault(kek(1)).open(flipped, 'a')).rejects.toThrow();
  }
});

test('a key that is not 32 bytes is refused by name', async () => {
  const vault = createVault(Buffer.alloc(16).toString('base64'));
  await expect(vault.seal(secret, 'a')).rejects.toThrow('SALLYPORT_KEK is not 32 bytes');
});
