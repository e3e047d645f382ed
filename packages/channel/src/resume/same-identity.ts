import type { PeerInfo } from '../types.js';

const maxDepth = 16;

/** Whether the carrier has proved the same of both: identity and certificate. What cannot be compared is not the same. */
export function sameIdentity(one: PeerInfo, other: PeerInfo): boolean {
  return same(one.identity, other.identity, 0) && same(one.certificate, other.certificate, 0);
}

/** Plain data only: an identity is what a carrier or an `authenticate` answered. */
function same(one: unknown, other: unknown, depth: number): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const prototype: unknown = Object.getPrototypeOf(one);
  if (depth > maxDepth || prototype !== Object.getPrototypeOf(other)) return false;
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(one)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && same(field(one, key), field(other, key), depth + 1));
}

function field(object: object, key: string): unknown {
  return (object as Record<string, unknown>)[key];
}
