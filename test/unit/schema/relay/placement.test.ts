/** Proves schema/relay/placement.ts: places of the world and the region that an edge relay goes to from there. */
import { expect, test } from 'vitest';
import { regionOf } from '#schema/relay/placement.ts';

test.for([
  ['Seattle', 'NA', '47.6', '-122.3', 'wnam'],
  ['New York', 'NA', 40.7, -74, 'enam'],
  ['somewhere in North America', 'NA', undefined, undefined, 'enam'],
  ['São Paulo', 'SA', '-23.5', '-46.6', 'sam'],
  ['Paris', 'EU', '48.9', '2.4', 'weur'],
  ['Warsaw', 'EU', '52.2', '21', 'eeur'],
  ['somewhere in Europe', 'EU', '', '', 'weur'],
  ['Dubai', 'AS', '25.2', '55.3', 'me'],
  ['Mumbai', 'AS', '19.1', '72.9', 'apac'],
  ['Johannesburg', 'AF', '-26.2', '28', 'afr'],
  ['Sydney', 'OC', '-33.9', '151.2', 'oc'],
  ['a station', 'AN', '-77.8', '166.7', undefined],
  ['nowhere', undefined, undefined, undefined, undefined],
] as const)('%s', ([, continent, latitude, longitude, region]) => {
  expect(regionOf({ continent, latitude, longitude })).toBe(region);
});
