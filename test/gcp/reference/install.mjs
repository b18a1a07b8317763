/**
 * Installs Google's own profiler for the Node that runs this, unless it is there. It compiles its
 * addon, so it takes a minute and g++.
 *
 *     node test/gcp/reference/install.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeHeaders } from '../../../scripts/nodes.mjs';

const folder = import.meta.dirname;
/** Says for which Node the addon was compiled. */
const stamp = join(folder, `node_modules/.abi-${process.versions.modules}`);

if (!existsSync(stamp)) {
  const headers = nodeHeaders(Number(process.versions.node.split('.')[0]));
  const nodedir = dirname(dirname(headers));
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', `--nodedir=${nodedir}`], {
    cwd: folder,
    stdio: 'inherit',
  });
  writeFileSync(stamp, '');
}
