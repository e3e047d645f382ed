/** What a key allows: `read` looks (list, peek, read output, watch members), `act` does everything. */
export type Right = 'read' | 'act';

/** Whether a holder of `held` may do what needs `needed`. */
export function allows(held: Right, needed: Right): boolean {
  return held === 'act' || needed === 'read';
}

/** The lesser of two rights: what a relayed request may do. */
export function lesserRight(a: Right, b: Right): Right {
  return a === 'read' ? a : b;
}
