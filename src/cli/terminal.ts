/** Everything we write to people: stdout, stderr, colours, progress. */

/** Where output goes; `main` hands in the process's own streams. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};
/** More often than that nobody can read it. */
const PROGRESS_MILLIS = 100;

export class Terminal {
  readonly #streams: Streams;
  #progressShown = false;
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  get env(): Streams['env'] {
    return this.#streams.env;
  }

  /** Stdout is a screen that a person looks at. */
  get isInteractive(): boolean {
    return this.#streams.stdout.isTTY === true;
  }

  /** Width of stdout if it is a terminal; lines are cut to it. */
  get columns(): number | undefined {
    return this.isInteractive ? this.#streams.stdout.columns : undefined;
  }

  /** The same for stderr. */
  get errorColumns(): number | undefined {
    const { stderr } = this.#streams;
    return stderr.isTTY === true ? stderr.columns : undefined;
  }

  get rows(): number {
    return (this.isInteractive ? this.#streams.stdout.rows : undefined) ?? 24;
  }

  /** Writes to stdout; resolves when it was handed to the operating system. */
  async print(text: string | Uint8Array): Promise<void> {
    this.endProgress();
    await written(this.#streams.stdout, text);
  }

  /** One line for people on stderr. */
  async say(line: string): Promise<void> {
    this.endProgress();
    await written(this.#streams.stderr, `${line}\n`);
  }

  /** One line that stays, if stderr is a terminal; nothing anywhere else. */
  async announce(line: string): Promise<void> {
    if (this.#streams.stderr.isTTY === true) await this.say(`spanprof: ${printable(line)}`);
  }

  /** What is being done, on the last line of a terminal; nothing anywhere else. */
  progress(text: string): void {
    const { stderr } = this.#streams;
    const now = performance.now();
    if (stderr.isTTY !== true || now - this.#progressAt < PROGRESS_MILLIS) return;
    this.#progressAt = now;
    this.#progressShown = true;
    stderr.write(`\r\x1b[K${cut(printable(text), stderr.columns - 1)}`);
  }

  /** Takes the progress line away. */
  endProgress(): void {
    if (!this.#progressShown) return;
    this.#progressShown = false;
    this.#streams.stderr.write('\r\x1b[K');
  }

  /** Styled for stdout, or as it is where there are no colours. */
  styled(style: Style, text: string): string {
    return styledFor(this.#streams.stdout, this.env, style, text);
  }

  /** The same for stderr. */
  styledError(style: Style, text: string): string {
    return styledFor(this.#streams.stderr, this.env, style, text);
  }
}

function styledFor(
  stream: NodeJS.WriteStream,
  env: Streams['env'],
  style: Style,
  text: string,
): string {
  // https://no-color.org: any value but the empty one.
  if (stream.isTTY !== true || env['NO_COLOR'] || env['TERM'] === 'dumb') return text;
  const [on, off] = CODES[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

function written(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // An error comes as an event too, where `main` decides.
    stream.write(text, () => resolve());
  });
}

/** Text from a file as it may go to a terminal: names in a profile are not commands to it. */
export function printable(text: string): string {
  return text.replaceAll(NOT_PRINTABLE, '\ufffd');
}
/** All control characters but the line break, and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const NOT_PRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** At most `width` characters, with a sign that something is missing. */
export function cut(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text;
  return `${text.slice(0, Math.max(width - 1, 0))}…`;
}
