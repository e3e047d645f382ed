/** Transports of a page in a real browser, which has the suite in `test/browser/conformance.test.ts`. */
export const pageTransports = ['page to web worker', 'page to server by WebSocket'] as const;

const stays =
  'a page takes no end home, so that it has less to load: the end goes on through the other side, and works';
const inPage: Readonly<Record<string, string>> = {
  'ends handed on over another session to the process they are from go on without who handed them on': stays,
  'ends that come home go on without the other side': stays,
};

/** Rows of the conformance suite that a transport does not meet, each with the reason; shown in docs/conformance.md. */
export const notApplicable: Readonly<Record<string, Readonly<Record<string, string>>>> = Object.fromEntries(
  pageTransports.map((transport) => [transport, inPage]),
);
