/** Rows of the conformance suite that a transport cannot meet, each with the reason; shown in docs/conformance.md. None so far. */
export const notApplicable: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
