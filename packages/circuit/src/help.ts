import type { OptionSpecs } from './command-line.js';
import type { Verb, VerbEntries } from './verb.js';

/** The list of all verbs. */
export function overview(verbs: VerbEntries): string {
  const lines = Object.entries(verbs).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`);
  return `circuit: a shell for a whole fleet

  circuit VERB [OPTIONS] [ARGUMENTS]

${lines.join('\n')}

circuit help VERB explains one. A long option may be written with one dash; those of the dialling (-d, -hmac, …) may stand before the verb.
Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict, 6 partial or a gap, 124 too late, 125 no server reached, 126 and 127
cannot start; run and wait pass on the code of their process.
`;
}

/** The help of one verb. */
export function helpOf(name: string, verb: Verb): string {
  const options = optionLines(verb.options);
  return `circuit ${name} ${verb.usage}\n\n${verb.help.trim()}\n${options === '' ? '' : `\n${options}\n`}`;
}

function optionLines(specs: OptionSpecs): string {
  const rows = Object.entries(specs).map(([name, { short, value, help }]): [string, string] => [
    `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}
