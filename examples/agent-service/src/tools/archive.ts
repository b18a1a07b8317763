import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Tool } from '../types.ts';

export const archive: Tool = {
  name: 'archive',
  description: 'Packs the documents of this session into one compressed, checksummed archive.',
  async execute(_input, { workspace }) {
    if (workspace.documents.size === 0) throw new Error('there is no document to archive');
    const { packed, originalBytes } = packDocuments(workspace.documents);
    const checksum = createHash('sha256').update(packed).digest('hex');
    return `archived ${workspace.documents.size} documents, ${originalBytes} bytes as ${packed.length}, sha256 ${checksum}`;
  },
};

/** One JSON line per document, then gzip at its best: archives are written once and kept. */
function packDocuments(documents: ReadonlyMap<string, string>): {
  packed: Buffer;
  originalBytes: number;
} {
  const lines = Array.from(documents, ([title, html]) => JSON.stringify({ title, html }));
  const original = Buffer.from(lines.join('\n'));
  return { packed: gzipSync(original, { level: 9 }), originalBytes: original.length };
}
