/** The loads, and how much of each is measured. */

/**
 * @typedef {object} Load
 * @property {string} name of the file
 * @property {string} [folder] of bench/; `loads` unless said
 * @property {string} title
 * @property {string} unit what one operation is
 * @property {Readonly<Record<string, number>>} count operations a run, by Node's major version; some 2.5 s
 * @property {number} [connections] of the client, for loads that are servers
 * @property {string} [body] of its requests
 */

const order = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({
    id,
    name: `item ${id}`,
    count: id + 1,
    price: id * 1.25,
  })),
});

/** @type {readonly Load[]} */
export const loads = [
  {
    name: 'json-server',
    title: 'JSON server',
    unit: 'request',
    count: { 20: 32_000, 24: 64_000 },
    connections: 16,
    body: order,
  },
  {
    name: 'agent-service',
    title: 'agent service',
    unit: 'request',
    count: { 20: 400, 24: 600 },
    connections: 16,
    body: '{}',
  },
  {
    name: 'promise-storm',
    title: 'promise storm',
    unit: '12,000 awaits',
    count: { 20: 1_000, 24: 4_000 },
  },
  {
    name: 'allocation-storm',
    title: 'allocation storm',
    unit: 'document',
    count: { 20: 12_000, 24: 14_000 },
  },
  { name: 'typescript', title: 'TypeScript', unit: 'check', count: { 20: 2, 24: 2 } },
  {
    name: 'concurrent',
    title: '2,000 at once',
    unit: 'request',
    count: { 20: 9_000, 24: 12_000 },
    connections: 2_000,
    body: '{}',
  },
];
