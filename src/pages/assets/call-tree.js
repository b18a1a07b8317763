/** From the columns of a profile to the tree that is drawn. */

/** @typedef {import('../profile-data.ts').PageProfile} PageProfile */

/**
 * @typedef {object} CallNode
 * @property {string} key unique among its siblings
 * @property {string} name
 * @property {string} file
 * @property {number} line
 * @property {'root' | 'label' | 'frame'} kind
 * @property {CallNode | undefined} parent
 * @property {Map<string, CallNode>} children
 * @property {number} self
 * @property {number} total
 * @property {number} before the total in the profile compared with
 * @property {number} selfBefore
 */

/** @param {CallNode} node whether it stands for samples without the label */
export const isWithout = (node) => node.kind === 'label' && node.key.endsWith(`=${WITHOUT}`);

/** @typedef {{ key: string, value: string | undefined, negated: boolean }} LabelFilter */
/** @typedef {{ column: number, groupBy: string[], filters: LabelFilter[] }} TreeOptions */

/** What stands for samples without the label that is grouped by. */
const WITHOUT = '(none)';

/**
 * @param {PageProfile} profile
 * @param {TreeOptions} options
 * @param {PageProfile} [base] a profile of the same type to compare with
 * @returns {CallNode}
 */
export function buildTree(profile, options, base) {
  const root = node('', 'all', 'root', undefined);
  addSamples(root, profile, options, (leaf, value) => {
    leaf.self += value;
    for (let at = /** @type {CallNode | undefined} */ (leaf); at; at = at.parent) at.total += value;
  });
  if (base !== undefined) {
    addSamples(root, base, options, (leaf, value) => {
      leaf.selfBefore += value;
      for (let at = /** @type {CallNode | undefined} */ (leaf); at; at = at.parent)
        at.before += value;
    });
  }
  return root;
}

/**
 * @param {CallNode} root
 * @param {PageProfile} profile
 * @param {TreeOptions} options
 * @param {(leaf: CallNode, value: number) => void} add
 */
function addSamples(root, profile, options, add) {
  const { samples, stacks, functions } = profile;
  const values = samples.values[options.column] ?? [];
  const groups = profile.labelSets.map((labels) =>
    passes(labels, options.filters) ? groupNode(root, labels, options.groupBy) : undefined,
  );
  /** @type {number[]} */
  const path = [];
  for (const [sample, stack] of samples.stack.entries()) {
    const value = values[sample] ?? 0;
    const group = groups[samples.labelSet[sample] ?? 0];
    if (group === undefined || value === 0) continue;
    let at = group;
    path.length = 0;
    for (let i = stack; i >= 0; i = stacks.parent[i] ?? -1) path.push(stacks.function[i] ?? 0);
    for (const index of path.reverse()) {
      const name = functions.name[index] ?? '';
      const file = functions.files[functions.file[index] ?? 0] ?? '';
      const line = functions.line[index] ?? 0;
      const key = `${name}\n${file}\n${line}`;
      let child = at.children.get(key);
      if (child === undefined) {
        child = node(key, name, 'frame', at);
        child.file = file;
        child.line = line;
        at.children.set(key, child);
      }
      at = child;
    }
    add(at, value);
  }
}

/**
 * @param {string} key
 * @param {string} name
 * @param {CallNode['kind']} kind
 * @param {CallNode | undefined} parent
 * @returns {CallNode}
 */
function node(key, name, kind, parent) {
  const figures = { self: 0, total: 0, before: 0, selfBefore: 0 };
  return { key, name, file: '', line: 0, kind, parent, children: new Map(), ...figures };
}

/**
 * @param {CallNode} root
 * @param {Record<string, string | number>} labels
 * @param {string[]} groupBy
 */
function groupNode(root, labels, groupBy) {
  let at = root;
  for (const label of groupBy) {
    const value = String(labels[label] ?? WITHOUT);
    const key = `${label}=${value}`;
    let child = at.children.get(key);
    if (child === undefined) {
      const name = value === WITHOUT ? `no ${shortName(label)}` : value;
      child = node(key, name, 'label', at);
      child.file = label;
      at.children.set(key, child);
    }
    at = child;
  }
  return at;
}

/**
 * @param {Record<string, string | number>} labels
 * @param {LabelFilter[]} filters
 */
export function passes(labels, filters) {
  return filters.every(({ key, value, negated }) => {
    const own = labels[key];
    const holds = value === undefined ? own === undefined : String(own) === value;
    return holds !== negated;
  });
}

/** `agent_name` → `agent`. @param {string} label */
export function shortName(label) {
  return label.replace(/_(name|id)$/, '').replaceAll('_', ' ');
}

/**
 * What each value of a label has, largest first; undefined stands for samples without it.
 * @param {PageProfile} profile
 * @param {number} column
 * @param {string} label
 * @param {LabelFilter[]} filters
 * @returns {[string | undefined, number][]}
 */
export function sumsByLabel(profile, column, label, filters) {
  /** @type {Map<string | undefined, number>} */
  const sums = new Map();
  const { samples, labelSets } = profile;
  for (const [i, labelSet] of samples.labelSet.entries()) {
    const labels = labelSets[labelSet] ?? {};
    if (!passes(labels, filters)) continue;
    const value = labels[label] === undefined ? undefined : String(labels[label]);
    sums.set(value, (sums.get(value) ?? 0) + (samples.values[column]?.[i] ?? 0));
  }
  return [...sums].filter(([, sum]) => sum > 0).sort((a, b) => b[1] - a[1]);
}

/**
 * @typedef {object} FunctionRow
 * @property {string} name
 * @property {string} file
 * @property {number} line
 * @property {number} self
 * @property {number} total
 * @property {number} selfBefore
 * @property {number} before
 */

/**
 * The functions of a tree; recursion counts once in `total`.
 * @param {CallNode} root
 * @returns {FunctionRow[]}
 */
export function functionTable(root) {
  /** @type {Map<string, FunctionRow>} */
  const rows = new Map();
  const onPath = new Set();
  /** @param {CallNode} at */
  const visit = (at) => {
    const isFirst = at.kind === 'frame' && !onPath.has(at.key);
    if (at.kind === 'frame') {
      const row = rows.get(at.key) ?? {
        ...{ name: at.name, file: at.file, line: at.line },
        ...{ self: 0, total: 0, selfBefore: 0, before: 0 },
      };
      rows.set(at.key, row);
      row.self += at.self;
      row.selfBefore += at.selfBefore;
      if (isFirst) {
        row.total += at.total;
        row.before += at.before;
        onPath.add(at.key);
      }
    }
    for (const child of at.children.values()) visit(child);
    if (isFirst) onPath.delete(at.key);
  };
  visit(root);
  return [...rows.values()];
}
