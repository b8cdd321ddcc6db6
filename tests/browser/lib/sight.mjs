// What can be seen on a page, by role and accessible name. `watch` runs inside the page, in either
// browser, so it stands alone: no imports, no names from outside.
//
// The accessible name follows the usual order (aria-labelledby, aria-label, label, alt, content,
// title) as far as our pages need it; axe, which runs over the same pages, judges the rest.

/** Answers one wish: `text`, `noText`, `role`, `noRole`, `element` or `names`. */
export function watch(wish) {
  const IMPLICIT = {
    A: (e) => (e.hasAttribute('href') ? 'link' : 'generic'),
    BUTTON: () => 'button',
    H1: () => 'heading',
    H2: () => 'heading',
    H3: () => 'heading',
    TEXTAREA: () => 'textbox',
    SELECT: (e) => (e.multiple || e.size > 1 ? 'listbox' : 'combobox'),
    OPTION: () => 'option',
    DIALOG: () => 'dialog',
    IMG: () => 'img',
    TABLE: () => 'table',
    TR: () => 'row',
    LI: () => 'listitem',
    UL: () => 'list',
    OL: () => 'list',
    NAV: () => 'navigation',
    MAIN: () => 'main',
    ASIDE: () => 'complementary',
    SUMMARY: () => 'button',
    INPUT: (e) =>
      ({
        button: 'button',
        submit: 'button',
        reset: 'button',
        checkbox: 'checkbox',
        radio: 'radio',
        range: 'slider',
        search: 'searchbox',
        password: 'textbox',
        number: 'spinbutton',
      })[e.type] ?? 'textbox',
  };
  const roleOf = (e) => e.getAttribute('role') ?? IMPLICIT[e.tagName]?.(e) ?? '';

  const visible = (e) =>
    e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !e.closest('[aria-hidden="true"], [inert]');

  const squeezed = (text) => (text ?? '').replace(/\s+/g, ' ').trim();

  const content = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent;
    if (node.nodeType !== Node.ELEMENT_NODE) return '';
    if (node.getAttribute('aria-hidden') === 'true') return '';
    if (!node.checkVisibility({ visibilityProperty: true })) return '';
    const label = node.getAttribute('aria-label');
    if (label) return label;
    if (node.tagName === 'IMG') return node.alt;
    const inner = [...node.childNodes].map(content).join('');
    return getComputedStyle(node).display === 'inline' ? inner : ` ${inner} `;
  };

  const nameOf = (e) => {
    const ids = e.getAttribute('aria-labelledby');
    if (ids) {
      const parts = ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent);
      return squeezed(parts.join(' '));
    }
    const label = e.getAttribute('aria-label');
    if (label) return squeezed(label);
    if (e.labels?.length > 0) return squeezed([...e.labels].map((l) => l.textContent).join(' '));
    if (e.tagName === 'IMG') return squeezed(e.alt);
    const caption = e.querySelector?.(':scope > caption, :scope > legend');
    if (caption) return squeezed(caption.textContent);
    return squeezed(content(e)) || squeezed(e.title) || squeezed(e.placeholder);
  };

  const matches = (pattern, text, whole) => {
    if (pattern === undefined || pattern === null) return true;
    if (typeof pattern === 'object') return new RegExp(pattern.source, pattern.flags).test(text);
    return whole ? text === pattern : text.includes(pattern);
  };

  const all = () =>
    [...document.querySelectorAll('*')].filter((e) => roleOf(e) === wish.role && visible(e));
  const found = () => all().filter((e) => matches(wish.name, nameOf(e), true));
  const usable = (e) => !e.disabled && e.getAttribute('aria-disabled') !== 'true';

  const text = () => squeezed(document.body?.innerText);
  switch (wish.kind) {
    case 'text':
      return matches(wish.text, text(), false) && Date.now();
    case 'noText':
      return !matches(wish.text, text(), false) && Date.now();
    case 'role':
      return found().length > 0 && Date.now();
    case 'noRole':
      return found().length === 0 && Date.now();
    case 'element':
      return found().find((e) => !wish.usable || usable(e)) ?? null;
    case 'names':
      return all().map(nameOf);
    default:
      throw new Error(`no such wish: ${wish.kind}`);
  }
}
