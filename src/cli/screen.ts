/** A terminal taken over for a while, and given back as it was however we end. */

const TAKE = '\x1b[?1049h\x1b[?25l';
const GIVE_BACK = '\x1b[?25h\x1b[?1049l';
const INTERRUPT = '\x03';

export class Screen {
  readonly #stdin: NodeJS.ReadStream;
  readonly #stdout: NodeJS.WriteStream;
  #repaint: () => void = () => {};
  #end: (key: 'q' | 'interrupt') => void = () => {};
  /** Resolves when the person has had enough. */
  readonly ended: Promise<'q' | 'interrupt'>;

  constructor(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Takes the terminal; `repaint` is called when its size changes. */
  open(repaint: () => void): void {
    this.#repaint = repaint;
    this.#stdout.write(TAKE);
    this.#stdout.on('resize', this.#repaint);
    if (this.#stdin.isTTY === true) {
      this.#stdin.setRawMode(true);
      this.#stdin.on('data', this.#onKey).resume();
    }
    process.on('SIGINT', this.#onInterrupt).on('SIGTERM', this.#onTerm);
  }

  /** Text from the top left corner, and one line at the bottom. */
  paint(text: string, foot: string): void {
    const lines = text.split('\n').map((line) => `${line}\x1b[K\n`);
    this.#stdout.write(`\x1b[H${lines.join('')}\x1b[J\x1b[${this.#stdout.rows};1H${foot}\x1b[K`);
  }

  close(): void {
    process.off('SIGINT', this.#onInterrupt).off('SIGTERM', this.#onTerm);
    this.#stdout.off('resize', this.#repaint);
    if (this.#stdin.isTTY === true) {
      this.#stdin.off('data', this.#onKey).pause();
      this.#stdin.setRawMode(false);
    }
    this.#stdout.write(GIVE_BACK);
  }

  readonly #onInterrupt = (): void => this.#end('interrupt');

  /** The signal does what it would have done, with the terminal given back first. */
  readonly #onTerm = (): void => {
    this.close();
    process.kill(process.pid, 'SIGTERM');
  };

  readonly #onKey = (keys: Buffer): void => {
    const text = keys.toString('latin1');
    if (text.includes(INTERRUPT)) this.#end('interrupt');
    else if (text.includes('q') || text.includes('Q')) this.#end('q');
  };
}
