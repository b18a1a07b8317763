/**
 * `@opentelemetry/sdk-node` of both majors, started before and after us, and a real back end: spans of
 * a thousand requests at once arrive with bills that are theirs.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withFolder } from '../../helpers/programs.ts';
import { requireTool } from '../../helpers/tools.ts';
import { cpuOf, install, nodeFor, runApp, unbalanced, withoutBill } from './apps.ts';
import { type Jaeger, startJaeger } from './jaeger.ts';

const REQUESTS = 1_000;
const UNITS = [0, 1, 3, 9];

describe.skipIf(requireTool('go') === undefined)('sdk-node', () => {
  let jaeger: Jaeger;
  beforeAll(async () => {
    jaeger = await startJaeger();
  }, 600_000);
  afterAll(() => jaeger?.stop());

  test.each([
    { app: 'sdk2', order: 'after us', node: 20, preloads: ['spanprof'] },
    { app: 'sdk2', order: 'before us', node: 20, preloads: ['sdk2/sdk.mjs', 'spanprof'] },
    { app: 'sdk3', order: 'after us', node: 24, preloads: ['spanprof'] },
    { app: 'sdk3', order: 'before us', node: 22, preloads: ['sdk3/sdk.mjs', 'spanprof'] },
  ])('$app started $order', async ({ app, order, node, preloads }) => {
    await install(app);
    await withFolder(async (folder) => {
      const service = `${app}-${order.replace(' ', '-')}`;
      const run = {
        app,
        service,
        folder,
        node: nodeFor(node),
        endpoint: jaeger.endpoint,
        preloads,
      };
      const result = await runApp(run);
      expect(result.code, result.stderr).toBe(0);
      expect(result.stderr).toBe('');
      const spans = await jaeger.spans(service, 4 * REQUESTS);
      expect(spans).toHaveLength(4 * REQUESTS);
      expect(withoutBill(spans)).toEqual([]);
      expect(unbalanced(spans.filter(({ name }) => name !== 'send'))).toEqual([]);

      const requests = spans.filter(({ name }) => name === 'request');
      const costs = UNITS.map((units) =>
        requests
          .filter(({ attributes }) => attributes['app.units'] === units)
          .map(cpuOf)
          .sort((a, b) => a - b),
      );
      expect(costs.map((group) => group.length)).toEqual([250, 250, 250, 250]);
      // No request bears the bill of another. The clock runs on while the machine gives the CPU to
      // others, which makes some dearer than they were; a swapped bill would also make one cheaper.
      const unit = Math.min(...[1, 2, 3].map((i) => quantile(costs[i], 0.1) / (UNITS[i] ?? 1)));
      for (const [i, group] of costs.entries()) {
        const least = (UNITS[i] ?? 0) * unit * 0.5;
        const cheap = group.filter((cost) => cost < least);
        expect(cheap.length, `below ${least} µs: ${cheap}`).toBeLessThan(3);
      }
      const idle = costs[0] ?? [];
      expect(idle.filter((cost) => cost > 3 * unit).length).toBeLessThan(13);
      const medians = costs.map((group) => quantile(group, 0.5));
      for (const i of [1, 2, 3]) {
        expect(medians[i], `medians ${medians}`).toBeGreaterThan(1.7 * Number(medians[i - 1]));
      }

      // The client's span is the root here; the server's comes over HTTP and is found by its id.
      const roots = spans.filter(({ attributes }) => 'pyroscope.profile.id' in attributes);
      expect(roots.filter(({ name }) => name === 'send')).toHaveLength(REQUESTS);
    });
  });
});

function quantile(sorted: readonly number[] = [], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}
