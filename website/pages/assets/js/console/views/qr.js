/** The server's QR code as part of the page: only its shapes are taken over, never markup. */

import { h } from '../../common/dom.js';

const SHAPES = { path: ['d', 'fill', 'transform', 'stroke'], rect: ['x', 'y', 'width', 'height', 'fill'] };

/** @type {Map<string, { box: string, shapes: { tag: string, props: Record<string, string> }[] }>} */
const read = new Map();

/**
 * @param {string} svg
 * @param {string} label
 */
export function qrCode(svg, label) {
  const code = read.get(svg) ?? parse(svg);
  read.set(svg, code);
  return h(
    'svg',
    { class: 'qr', viewBox: code.box, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges' },
    code.shapes.map(({ tag, props }) => h(tag, props)),
  );
}

/** @param {string} svg */
function parse(svg) {
  const root = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  const box = root.getAttribute('viewBox') ?? `0 0 ${parseFloat(root.getAttribute('width') ?? '1')} ${parseFloat(root.getAttribute('height') ?? '1')}`;
  const shapes = [];
  for (const [tag, names] of Object.entries(SHAPES)) {
    for (const element of root.querySelectorAll(tag)) {
      /** @type {Record<string, string>} */
      const props = {};
      for (const name of names) {
        const value = element.getAttribute(name);
        if (value !== null && !/url\(/i.test(value)) props[name] = value;
      }
      shapes.push({ tag, props, order: [...root.querySelectorAll('*')].indexOf(element) });
    }
  }
  return { box, shapes: shapes.sort((a, b) => a.order - b.order) };
}
