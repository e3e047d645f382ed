/** Every kind of element an anchor can hold. */
export const elementKinds = ['server', 'chan', 'proc', 'docker', 'dns', 'store', '@join', '@leave'] as const;

export type ElementKind = (typeof elementKinds)[number];

/** What a listing shows for an anchor without an element. */
export const noKind = '·';

/** How wide a listing writes the kind, in columns. */
export const kindColumns = 15;

/** Whether `value` names a kind of element. */
export function isElementKind(value: unknown): value is ElementKind {
  return (elementKinds as readonly unknown[]).includes(value);
}

/** The kind as a long listing begins its line: padded, `·` for none. */
export function paddedKind(kind: ElementKind | undefined): string {
  return (kind ?? noKind).padEnd(kindColumns);
}
