import type { Carrier } from '@circuit/channel';

/** Whatever one carrier receives the other writes; the end of one is the end of the other. */
export function spliceCarriers(one: Carrier, other: Carrier): void {
  pass(one, other);
  pass(other, one);
}

function pass(from: Carrier, to: Carrier): void {
  from.start({
    data: (chunk) => to.write([chunk], chunk.length),
    drained: () => undefined,
    closed: (reason) => (reason === undefined ? to.end() : to.destroy()),
  });
}
