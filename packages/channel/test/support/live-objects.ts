import { queryObjects } from 'node:v8';
import { settle } from '@circuit/testkit';

/** How many objects of `kind` somebody still holds, those of classes that extend it included. */
export async function liveObjects(kind: abstract new (...args: never[]) => object): Promise<number> {
  await settle();
  // It collects the garbage first. The prototypes of such classes are among what it counts.
  return queryObjects(kind) as number;
}
