/** Draws a call tree: root on top, width by value, one element for each frame wide enough to see. */
import { isWithout } from './call-tree.js';
import { change, percent, quantity } from './quantity.js';

/** @typedef {import('./call-tree.js').CallNode} CallNode */
/**
 * @typedef {object} FlameOptions
 * @property {CallNode} zoom
 * @property {string} unit
 * @property {boolean} compares
 * @property {RegExp | undefined} search
 */

/** Pixels below which a frame cannot be told from its neighbour. */
const MIN_PIXELS = 2;
const TEXT_PIXELS = 24;
/** More elements than this make a phone slow, and nobody reads them. */
const MAX_FRAMES = 5_000;

/**
 * @param {HTMLElement} box
 * @param {FlameOptions} options
 * @returns {Map<HTMLElement, CallNode>} what is drawn, in the order of the tree
 */
export function drawFlame(box, options) {
  const width = box.clientWidth || 1;
  const row = Number.parseFloat(getComputedStyle(box).getPropertyValue('--row')) || 21;
  /** @type {Map<HTMLElement, CallNode>} */
  const drawn = new Map();
  let depth = 0;
  /** @param {CallNode} node @param {number} left @param {number} size @param {boolean} isAbove */
  const draw = (node, left, size, isAbove) => {
    const level = depthOf(node);
    depth = Math.max(depth, level);
    const made = frame(node, size, options, isAbove);
    made.style.left = `${left.toFixed(1)}px`;
    made.style.width = `${size.toFixed(1)}px`;
    made.style.top = `${level * row}px`;
    made.setAttribute('aria-level', String(level + 1));
    drawn.set(made, node);
  };
  const above = ancestors(options.zoom);
  for (const node of above) draw(node, 0, width, true);
  /** @param {CallNode} node @param {number} left @param {number} size */
  const visit = (node, left, size) => {
    if (drawn.size >= MAX_FRAMES) return;
    draw(node, left, size, false);
    let at = left;
    for (const child of byTotal(node)) {
      const childSize = (child.total / node.total) * size;
      if (childSize < MIN_PIXELS) continue;
      visit(child, at, childSize);
      at += childSize;
    }
  };
  if (options.zoom.total > 0) visit(options.zoom, 0, width);
  box.classList.toggle('searching', options.search !== undefined);
  box.style.height = `${(depth + 1) * row}px`;
  box.replaceChildren(...drawn.keys());
  return drawn;
}

/** @param {CallNode} node */
export function ancestors(node) {
  const path = [];
  for (let at = node.parent; at !== undefined; at = at.parent) path.unshift(at);
  return path;
}

/** @param {CallNode} node */
const depthOf = (node) => ancestors(node).length;

/** @param {CallNode} node */
const byTotal = (node) =>
  [...node.children.values()].sort(
    (a, b) => Number(isWithout(a)) - Number(isWithout(b)) || b.total - a.total,
  );

/**
 * @param {CallNode} node
 * @param {number} size
 * @param {FlameOptions} options
 * @param {boolean} isAbove
 */
function frame(node, size, options, isAbove) {
  const made = document.createElement('div');
  made.className = 'frame';
  made.setAttribute('role', 'treeitem');
  made.tabIndex = -1;
  made.setAttribute('aria-label', describe(node, options));
  if (size >= TEXT_PIXELS) made.textContent = node.name;
  if (size < 8) made.classList.add('narrow');
  if (isAbove) made.classList.add('above');
  if (options.search?.test(node.name) || options.search?.test(node.file)) {
    made.classList.add('match');
  }
  colour(made, node, options.compares);
  return made;
}

/** @param {HTMLElement} made @param {CallNode} node @param {boolean} compares */
function colour(made, node, compares) {
  if (isWithout(node)) made.classList.add('label', 'without');
  else if (node.kind === 'label') made.classList.add('label');
  else if (node.kind === 'root') made.classList.add('plain');
  else if (compares) {
    const more = node.total - node.before;
    const size = Math.min(1, Math.abs(more) / Math.max(node.total, node.before, 1));
    if (size < 0.03) made.classList.add('plain');
    else made.classList.add(more > 0 ? 'more' : 'less');
    made.style.setProperty('--change', size.toFixed(2));
  } else if (/^\(|^$/.test(node.name) && node.file === '') made.classList.add('plain');
  else made.style.setProperty('--hue', String(hueOf(moduleOf(node.file), node.name)));
}

/** Frames of one module are neighbours in colour, so that borders between modules show. */
/** @param {string} module @param {string} name */
function hueOf(module, name) {
  if (module === '') return 250 + (hash(name) % 12);
  return (HUES[hash(module) % HUES.length] ?? 0) + (hash(name) % 14);
}
/** Warm first; blue is kept for Node itself. */
const HUES = [28, 48, 70, 92, 118, 148, 175, 200, 300, 325, 350];

/** A package's name, a folder of the application, or nothing for Node's own files. @param {string} file */
function moduleOf(file) {
  if (file === '' || file.startsWith('node:')) return '';
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  return inPackage ?? file.slice(0, file.lastIndexOf('/'));
}

/** @param {string} text */
function hash(text) {
  let value = 7;
  for (let i = 0; i < text.length; i++) value = (value * 31 + text.charCodeAt(i)) >>> 0;
  return value;
}

/** @param {CallNode} node @param {FlameOptions} options */
function describe(node, { unit, zoom, compares }) {
  const root = ancestors(zoom)[0] ?? zoom;
  const figures = `${percent(node.total, root.total)}, ${quantity(node.total, unit)}`;
  return `${node.name}, ${figures}${compares ? `, ${change(node.before, node.total)}` : ''}`;
}
