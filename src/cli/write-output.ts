import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { SpanprofError } from '../errors.ts';
import { reasonOf } from './input-errors.ts';
import type { Terminal } from './terminal.ts';

/**
 * Writes a file for `-o`; `-` is stdout. A file is whole or not there: it is written beside its place
 * and renamed. What is not a plain file (`/dev/stdout`, a FIFO) is written as it is. Rejects with
 * a `SpanprofError`, code `OUTPUT_UNWRITABLE`.
 */
export async function writeOutput(
  file: string,
  content: string | Uint8Array,
  terminal: Terminal,
): Promise<void> {
  if (file === '-') return terminal.print(content);
  try {
    const existing = statSync(file, { throwIfNoEntry: false });
    if (existing !== undefined && !existing.isFile()) writeFileSync(file, content);
    else writeWhole(file, content);
  } catch (error) {
    throw new SpanprofError('OUTPUT_UNWRITABLE', { file, reason: reasonOf(error) });
  }
}

function writeWhole(file: string, content: string | Uint8Array): void {
  const unfinished = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(unfinished, content, { flag: 'wx' });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
