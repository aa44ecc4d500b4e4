/**
 * Where the edge relay of a Connector should live: near the Connector, through which every byte goes, and not
 * near whoever happened to ask first. The places are those that a platform tells apart; it keeps to the hint
 * when the object is made, and afterwards it stays where it is. Used by `workers/relay/door.ts`.
 */
export type Region = 'wnam' | 'enam' | 'sam' | 'weur' | 'eeur' | 'apac' | 'oc' | 'afr' | 'me';

/** What a platform knows of the place that a request comes from. */
export interface Whereabouts {
  /** Two letters. */
  continent?: unknown;
  /** Degrees, as text or number. */
  latitude?: unknown;
  longitude?: unknown;
}

/** Between the halves of a continent, in degrees of longitude. */
const americanDivide = -100;
const europeanDivide = 17;
/** The Middle East, as far as a rectangle can say. */
const middleEast = { south: 12, north: 42, west: 34, east: 60 };

/** @returns undefined where nothing is known: then the platform decides. */
export function regionOf({ continent, latitude, longitude }: Whereabouts): Region | undefined {
  const [north, east] = [degrees(latitude), degrees(longitude)];
  switch (continent) {
    case 'NA':
      return east < americanDivide ? 'wnam' : 'enam';
    case 'SA':
      return 'sam';
    case 'EU':
      return east > europeanDivide ? 'eeur' : 'weur';
    case 'AS': {
      const inside = north > middleEast.south && north < middleEast.north;
      return inside && east > middleEast.west && east < middleEast.east ? 'me' : 'apac';
    }
    case 'AF':
      return 'afr';
    case 'OC':
      return 'oc';
    default:
      return undefined;
  }
}

/** NaN is on neither side of any line. */
const degrees = (value: unknown): number =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? Number(value) : Number.NaN;
