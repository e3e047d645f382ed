import type { Carrier } from '@circuit/channel';

/** Whatever one carrier receives the other writes, and `passed` hears how many bytes; the end of one is the end of the other. */
export function spliceCarriers(one: Carrier, other: Carrier, passed: (bytes: number) => void = () => undefined): void {
  pass(one, other, passed);
  pass(other, one, passed);
}

function pass(from: Carrier, to: Carrier, passed: (bytes: number) => void): void {
  from.start({
    data(chunk) {
      to.write([chunk], chunk.length);
      passed(chunk.length);
    },
    drained: () => undefined,
    closed: (reason) => (reason === undefined ? to.end() : to.destroy()),
  });
}
