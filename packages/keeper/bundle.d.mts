/** Bundles the keeper process into one file (`dist/keeper.mjs` when absent) and returns its path. */
export function bundleKeeper(outfile?: string): Promise<string>;
