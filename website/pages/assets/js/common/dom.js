/**
 * Small renderer: a view is a function from state to a tree of plain objects, and `render` makes
 * the document agree with the tree, touching only what differs. Focus, typed text, scroll places
 * and running videos survive because elements that stay are never rebuilt.
 */

/** @typedef {string | number | VNode | null | undefined | boolean} Child */
/** @typedef {Child | Children[]} Children */
/**
 * @typedef {object} VNode
 * @property {string} tag
 * @property {Props} props
 * @property {(string | VNode)[]} children
 */
/**
 * `on…` is a listener, `.name` a DOM property, everything else an attribute. `key` keeps an element
 * for the same thing in a list; `mount`, `update` and `unmount` are called with the element.
 * @typedef {Record<string, any>} Props
 */
/** @typedef {{ vnode: string | VNode, node: Node }} Kept */

const SVG = 'http://www.w3.org/2000/svg';
const SPRITE = '/assets/icons.svg';

/** @type {WeakMap<Node, Kept[]>} */
const keptChildren = new WeakMap();
/** @type {WeakMap<Node, Props>} */
const keptProps = new WeakMap();

/**
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {...Children} children
 * @returns {VNode}
 */
export function h(tag, props, ...children) {
  /** @type {(string | VNode)[]} */
  const flat = [];
  flatten(children, flat);
  return { tag, props: props ?? {}, children: flat };
}

/**
 * @param {any} child
 * @param {(string | VNode)[]} into
 */
function flatten(child, into) {
  if (Array.isArray(child)) for (const one of child) flatten(one, into);
  else if (typeof child === 'number') into.push(String(child));
  else if (typeof child === 'string') {
    if (child !== '') into.push(child);
  } else if (child && typeof child === 'object') into.push(child);
}

/**
 * An icon of the sprite; decoration only, its meaning stands in words beside it.
 * @param {string} name
 * @param {string} [className]
 */
export function icon(name, className = 'icon') {
  return h('svg', { class: className, 'aria-hidden': 'true', key: name }, h('use', { href: `${SPRITE}#${name}` }));
}

/**
 * Makes `root`'s children agree with `tree`.
 * @param {Element} root
 * @param {Children} tree
 */
export function render(root, tree) {
  /** @type {(string | VNode)[]} */
  const flat = [];
  flatten(tree, flat);
  patchChildren(root, flat);
}

/**
 * Keeps `root` in step with `view`: call the answer after each change; several calls in one turn
 * of the event loop render once.
 * @param {Element} root
 * @param {() => Children} view
 */
export function keepRendered(root, view) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      render(root, view());
    });
  };
}

/**
 * @param {Element} parent
 * @param {(string | VNode)[]} next
 */
function patchChildren(parent, next) {
  const before = keptChildren.get(parent) ?? [];
  /** @type {Map<any, Kept>} */
  const keyed = new Map();
  /** @type {Kept[]} */
  const loose = [];
  for (const kept of before) {
    const key = keyOf(kept.vnode);
    if (key === undefined) loose.push(kept);
    else keyed.set(key, kept);
  }
  /** @type {Kept[]} */
  const after = [];
  /** @type {(() => void)[]} */
  const mounted = [];
  for (const vnode of next) {
    const kept = takeMatch(vnode, keyed, loose);
    const node = kept ? kept.node : create(vnode, parent);
    patchNode(node, vnode, !kept, mounted);
    after.push({ vnode, node });
  }
  for (const kept of [...keyed.values(), ...loose]) {
    discard(kept.node);
    parent.removeChild(kept.node);
  }
  let place = parent.firstChild;
  for (const { node } of after) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  keptChildren.set(parent, after);
  for (const call of mounted) call();
}

/** @param {string | VNode} vnode */
function keyOf(vnode) {
  return typeof vnode === 'string' ? undefined : vnode.props.key;
}

/**
 * @param {string | VNode} vnode
 * @param {Map<any, Kept>} keyed
 * @param {Kept[]} loose
 */
function takeMatch(vnode, keyed, loose) {
  const key = keyOf(vnode);
  if (key !== undefined) {
    const kept = keyed.get(key);
    if (!kept || !sameKind(kept.vnode, vnode)) return undefined;
    keyed.delete(key);
    return kept;
  }
  const at = loose.findIndex((kept) => sameKind(kept.vnode, vnode));
  return at < 0 ? undefined : loose.splice(at, 1)[0];
}

/**
 * @param {string | VNode} a
 * @param {string | VNode} b
 */
function sameKind(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return typeof a === typeof b;
  return a.tag === b.tag;
}

/**
 * @param {string | VNode} vnode
 * @param {Element} parent
 * @returns {Node}
 */
function create(vnode, parent) {
  if (typeof vnode === 'string') return document.createTextNode(vnode);
  const inSvg = vnode.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  return inSvg ? document.createElementNS(SVG, vnode.tag) : document.createElement(vnode.tag);
}

/**
 * @param {Node} node
 * @param {string | VNode} vnode
 * @param {boolean} isNew
 * @param {(() => void)[]} mounted
 */
function patchNode(node, vnode, isNew, mounted) {
  if (typeof vnode === 'string') {
    if (node.nodeValue !== vnode) node.nodeValue = vnode;
    return;
  }
  const element = /** @type {Element} */ (node);
  const former = keptProps.get(element) ?? {};
  for (const name of Object.keys(former)) if (!(name in vnode.props)) setProp(element, name, undefined);
  // Children first: a select takes its value only once its options exist.
  patchChildren(element, vnode.children);
  for (const [name, value] of Object.entries(vnode.props)) {
    if (name.startsWith('.') || former[name] !== value) setProp(element, name, value);
  }
  keptProps.set(element, vnode.props);
  if (isNew && vnode.props.mount) mounted.push(() => vnode.props.mount(element));
  if (vnode.props.update) mounted.push(() => vnode.props.update(element));
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
function setProp(element, name, value) {
  if (name === 'key' || name === 'mount' || name === 'update' || name === 'unmount') return;
  const target = /** @type {any} */ (element);
  if (name.startsWith('.')) {
    const property = name.slice(1);
    if (target[property] !== value) target[property] = value ?? null;
  } else if (name.startsWith('on')) {
    target[name] = value ?? null;
  } else if (value === undefined || value === null || (value === false && !isSpoken(name))) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true && !isSpoken(name) ? '' : String(value));
  }
}

/**
 * Attributes whose "false" is a word of its own.
 * @param {string} name
 */
function isSpoken(name) {
  return name.startsWith('aria-') || name.startsWith('data-');
}

/** @param {Node} node */
function discard(node) {
  for (const kept of keptChildren.get(node) ?? []) discard(kept.node);
  keptProps.get(node)?.unmount?.(node);
}

/**
 * Says something to people who listen to the page. `alert` interrupts; `status` waits.
 * @param {string} text
 * @param {'status' | 'alert'} [how]
 */
export function announce(text, how = 'status') {
  const region = document.getElementById(how);
  if (!region || !text) return;
  region.textContent = '';
  // A region that is filled in the same turn in which it was emptied is not read again.
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

/** Puts the focus on the page's heading, as a new page would. */
export function focusHeading() {
  const heading = document.querySelector('[data-heading]');
  if (heading instanceof HTMLElement) heading.focus({ preventScroll: false });
}
