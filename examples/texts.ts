import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Some files in one piece. */
export interface Parcel {
  readonly files: number;
  readonly bytes: Uint8Array;
}

const isText = /^(readme|licen[cs]e|copying|notice)([.-].*)?$/i;
const isCode = /\.(c|cc|cjs|cts|js|mjs|mts|ts|tsx|json|map)$/i;

/** All README and licence texts below `folder`, in at most `most` parcels of about the same size. */
export function packTexts(folder: string, most: number): Parcel[] {
  const files = findTexts(folder).sort();
  if (files.length === 0) throw new Error(`no README or licence text below ${folder}`);
  const perParcel = Math.ceil(files.length / most);
  const parcels: Parcel[] = [];
  for (let at = 0; at < files.length; at += perParcel) {
    const some = files.slice(at, at + perParcel);
    const bytes = Buffer.concat(some.flatMap((file) => [readFileSync(file), Buffer.from('\n')]));
    parcels.push({ files: some.length, bytes });
  }
  return parcels;
}

function findTexts(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry: Dirent) => {
    const path = join(folder, entry.name);
    // Links are left out: the packages of this repository stand in node_modules as links to themselves.
    if (entry.isDirectory()) return findTexts(path);
    return entry.isFile() && isText.test(entry.name) && !isCode.test(entry.name) ? [path] : [];
  });
}
