/** What of a host's firewall stands in the way of a gateway, told from what `nft` and `iptables` list. */
import { expect, test } from 'vitest';
import { droppingChains, droppingLegacy } from '#node-agents/os/forward-rules.ts';

const chain = (more: object) => ({
  chain: { family: 'ip', table: 'filter', name: 'FORWARD', type: 'filter', ...more },
});
const rule = (...expr: object[]) => ({ rule: { family: 'ip', table: 'filter', chain: 'FORWARD', expr } });
const dropping = (entries: object[], families: (4 | 6)[] = [4]) =>
  droppingChains(JSON.stringify({ nftables: [{ metainfo: {} }, ...entries] }), 'sallyport0', families);
const forward = { hook: 'forward', prio: 0 };

test('a policy of drop, with the commands that let devices through', () => {
  expect(dropping([chain({ ...forward, policy: 'drop' })])).toEqual([
    {
      chain: 'ip filter FORWARD',
      remedy:
        'nft insert rule ip filter FORWARD iifname sallyport0 accept; nft insert rule ip filter FORWARD oifname sallyport0 accept',
    },
  ]);
});

test('Docker’s, by the chain that it leaves to others', () => {
  const docker = [chain({ ...forward, policy: 'drop' }), chain({ name: 'DOCKER-USER' })];
  expect(dropping(docker)[0]!.remedy).toBe(
    'iptables -I DOCKER-USER -i sallyport0 -j ACCEPT; iptables -I DOCKER-USER -o sallyport0 -j ACCEPT',
  );
});

test('a last rule that refuses everything, as firewalld’s', () => {
  const last = rule({ counter: {} }, { reject: { type: 'icmpx' } });
  expect(dropping([chain({ ...forward, policy: 'accept' }), rule({ accept: null }), last])).toHaveLength(1);
  const some = rule({ match: { left: { meta: { key: 'iifname' } }, right: 'eth1' } }, { drop: null });
  expect(dropping([chain({ ...forward, policy: 'accept' }), some])).toEqual([]);
});

test('nothing where a rule names the device, for another family, at another place, or without a firewall', () => {
  const named = rule(
    { match: { left: { meta: { key: 'oifname' } }, right: 'sallyport0' } },
    { accept: null },
  );
  expect(dropping([chain({ ...forward, policy: 'drop' }), named])).toEqual([]);
  expect(dropping([chain({ ...forward, policy: 'drop' })], [6])).toEqual([]);
  expect(dropping([chain({ hook: 'input', policy: 'drop' })])).toEqual([]);
  expect(dropping([])).toEqual([]);
  expect(droppingChains('', 'sallyport0', [4])).toEqual([]);
});

test('rules of the old kind', () => {
  const docker = '-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n';
  expect(droppingLegacy(docker, 'iptables-legacy', 'sallyport0')).toEqual([
    {
      chain: 'iptables-legacy FORWARD',
      remedy: expect.stringContaining('iptables -I DOCKER-USER -i sallyport0 -j ACCEPT'),
    },
  ]);
  const solved = `${docker}-A DOCKER-USER -i sallyport0 -j ACCEPT\n`;
  expect(droppingLegacy(solved, 'iptables-legacy', 'sallyport0')).toEqual([]);
  expect(droppingLegacy('-P FORWARD ACCEPT\n', 'iptables-legacy', 'sallyport0')).toEqual([]);
});
