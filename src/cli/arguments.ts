import { parseArgs } from 'node:util';
import { nearestPath } from '../config/near.ts';
import { UsageError } from './exit.ts';

export interface OptionSpec {
  /** A placeholder for the value, `FILE`; an option without one is a switch. */
  readonly value?: string;
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  readonly choices?: readonly string[];
  readonly doc: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What was on the command line after the command's name, checked against its options. */
export class Arguments {
  /** What is not an option. */
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(positionals: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.positionals = positionals;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value given last. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A whole number within bounds, both included. Throws a `UsageError` otherwise. */
  wholeNumber(
    name: string,
    bounds: { readonly min: number; readonly max: number },
  ): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= bounds.min && number <= bounds.max) return number;
    throw new UsageError(
      `--${name} must be a whole number from ${bounds.min} to ${bounds.max}, not ${shown(text)}`,
    );
  }
}

/** Parses what follows a command's name. Throws a `UsageError` that names what is wrong. */
export function parseArguments(
  args: readonly string[],
  specs: OptionSpecs,
  stopsAtArgument = false,
): Arguments {
  const own = stopsAtArgument ? args.slice(0, firstPositional(args, specs)) : args;
  const { tokens } = tokenize(own, specs);
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = specs[token.name];
    if (spec === undefined) throw new UsageError(unknownOption(token.rawName, specs));
    const value = checkedValue(token, spec);
    if (spec.multiple) values.set(token.name, [...(values.get(token.name) ?? []), value]);
    else values.set(token.name, [value]);
  }
  const rest = args.slice(own.length);
  return new Arguments([...positionals, ...(rest[0] === '--' ? rest.slice(1) : rest)], values);
}

function tokenize(args: readonly string[], specs: OptionSpecs) {
  const options = Object.entries(specs).map(([name, { value, short }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) },
  ]);
  return parseArgs({
    args: [...args],
    options: Object.fromEntries(options) as Record<string, { type: 'boolean' | 'string' }>,
    // Errors are ours: Node's name no neighbour.
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
}

function firstPositional(args: readonly string[], specs: OptionSpecs): number {
  const { tokens } = tokenize(args, specs);
  const found = tokens.find(({ kind }) => kind !== 'option');
  return found?.index ?? args.length;
}

interface GivenOption {
  readonly rawName: string;
  readonly value?: string | undefined;
  /** `--name=value`, as against `--name value`. */
  readonly inlineValue?: boolean | undefined;
}

function checkedValue({ rawName, value, inlineValue }: GivenOption, spec: OptionSpec): string {
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return '';
  }
  // `--output --json` is a forgotten value more often than a file called `--json`.
  const isForgotten = inlineValue !== true && /^-./.test(value ?? '');
  if (value === undefined || value === '' || isForgotten) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
  }
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    throw new UsageError(
      `${rawName} must be one of ${spec.choices.join(', ')}, not ${shown(value)}${didYouMean(value, spec.choices)}`,
    );
  }
  return value;
}

function unknownOption(rawName: string, specs: OptionSpecs): string {
  const known = Object.keys(specs);
  const near = nearestPath(rawName.replace(/^-+/, ''), known);
  return `unknown option ${shown(rawName)}${near === undefined ? '' : `; did you mean --${near}?`}`;
}

/** `; did you mean top?`, or nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const near = nearestPath(given, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** A word of the command line as it may stand in a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
