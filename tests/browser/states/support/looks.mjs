// What is judged in a page as it stands, beside axe. Every function here runs inside the page, so it
// stands alone: no imports, no names from outside. Each answers with sentences; none means well.

/** Whether the page, or a part of it that is no row of its own, can be moved sideways. */
export function overflow() {
  const root = document.documentElement;
  const ROWS = '.tools, .tabs__list, textarea, input';
  const parts = [...document.querySelectorAll('body *')]
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && !e.matches(ROWS) && e.checkVisibility() && /auto|scroll/.test(getComputedStyle(e).overflowX))
    .map((e) => `${e.outerHTML.slice(0, 80)} can be moved sideways by ${e.scrollWidth - e.clientWidth} px`);
  if (root.scrollWidth <= root.clientWidth) return parts;
  const beyond = (e) => {
    const { left, right } = e.getBoundingClientRect();
    return left < -0.5 || right > root.clientWidth + 0.5;
  };
  const widest = [...document.querySelectorAll('body *:not(.unseen)')].filter((e) => e.checkVisibility() && beyond(e)).pop();
  return [...parts, `wider than the window by ${root.scrollWidth - root.clientWidth} px (${widest?.outerHTML.slice(0, 140) ?? 'unknown'})`];
}

/**
 * Controls that cannot be brought into view, or that something else lies over once they are: tried at
 * the middle and near each edge. What lies over a page on purpose (a drawer, a dialog) covers rightly.
 */
export function unreachable() {
  const LAYERS = 'dialog, .drawer, .side, .pop, .menu, .folk__card, .toasts';
  const modal = document.querySelector('dialog:modal');
  const wrong = [];
  const area = (e) => (e.matches('[type=radio], [type=checkbox]') ? (e.closest('label') ?? e) : e);
  const controls = [...(modal ?? document).querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.matches('.skip'))
    .map(area);
  for (const control of controls) {
    control.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const { x, y, width, height } = control.getBoundingClientRect();
    const places = [[0.5, 0.5], [0.12, 0.5], [0.88, 0.5], [0.5, 0.12], [0.5, 0.88]];
    for (const [across, down] of places) {
      const top = document.elementFromPoint(x + width * across, y + height * down);
      if (top && (control.contains(top) || top.contains(control) || control.closest('.reveal, .search')?.contains(top))) continue;
      const layer = top?.closest(LAYERS);
      if (layer && !layer.contains(control)) break;
      const what = `${control.tagName.toLowerCase()} "${(control.innerText || control.ariaLabel || control.id).trim().slice(0, 40)}"`;
      wrong.push(top ? `${what} lies under ${top.outerHTML.slice(0, 80)}` : `${what} cannot be brought into view`);
      break;
    }
  }
  scrollTo(0, 0);
  return wrong;
}

/** Words cut off by what is around them, where no scrolling brings them out; `.clip` shortens on purpose. */
export function clipped() {
  const wrong = [];
  const cuts = (style, axis) => ['hidden', 'clip'].includes(axis === 'x' ? style.overflowX : style.overflowY);
  const scrolls = (style, axis) => ['auto', 'scroll'].includes(axis === 'x' ? style.overflowX : style.overflowY);
  const isCut = (rect, from, axis) => {
    for (let box = from; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (scrolls(style, axis)) return null;
      const isControl = box.matches('button, a.button, .chip, .pill, .tag, th, td');
      if (!cuts(style, axis) && !isControl) continue;
      const around = box.getBoundingClientRect();
      const over = axis === 'x' ? Math.max(around.left - rect.left, rect.right - around.right) : Math.max(around.top - rect.top, rect.bottom - around.bottom);
      if (over > 1.5) return box;
    }
    // What lies before the window's edge cannot be moved into it.
    return axis === 'x' && (rect.left < -1.5 || rect.right > document.documentElement.clientWidth + 1.5) ? document.body : null;
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const text = /** @type {Text} */ (words.currentNode);
    const holder = text.parentElement;
    if (text.data.trim() === '' || !holder.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (holder.closest('.unseen, .clip, .skip, noscript, option, textarea, script, style')) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const rect of range.getClientRects()) {
      const box = isCut(rect, holder, 'x') ?? isCut(rect, holder, 'y');
      if (!box) continue;
      wrong.push(`"${text.data.trim().slice(0, 40)}" is cut by ${box.outerHTML.slice(0, 80)}`);
      break;
    }
  }
  // In other fields the value moves with the caret; a PIN is compared digit by digit.
  const pin = document.querySelector('input.pin');
  if (pin && pin.scrollWidth > pin.clientWidth + 1) wrong.push('the PIN is cut');
  return wrong;
}

/** With forced colours grounds and shadows go: what is left of a control is its border or its underline. */
export function borderless() {
  const wrong = [];
  if (!matchMedia('(forced-colors: active)').matches) wrong.push('colours are not forced');
  for (const control of document.querySelectorAll('a[href], button, input, select, textarea, summary, [role=switch]')) {
    if (!control.checkVisibility({ visibilityProperty: true }) || control.matches('.skip, [type=radio], [type=checkbox], .toggle')) continue;
    const style = getComputedStyle(control);
    const bordered = ['top', 'bottom'].every((side) => style.getPropertyValue(`border-${side}-style`) === 'solid' && parseFloat(style.getPropertyValue(`border-${side}-width`)) >= 1);
    if (bordered || style.textDecorationLine.includes('underline')) continue;
    wrong.push(`no border: ${control.outerHTML.slice(0, 120)}`);
  }
  return wrong;
}

/** Controls too small for a finger (customers) or a mouse (technicians); a link in a sentence is as it is. */
export function small() {
  const least = location.pathname.startsWith('/console') || location.pathname.startsWith('/setup') ? 32 : 48;
  const wrong = [];
  for (const control of document.querySelectorAll('a[href], button, input, select, textarea, summary')) {
    if (!control.checkVisibility({ visibilityProperty: true }) || control.matches('.skip')) continue;
    const { width, height } = (control.matches('[type=radio], [type=checkbox]') ? control.closest('label') : control).getBoundingClientRect();
    if (Math.min(width, height) < least - 0.5) wrong.push(`${Math.round(width)} × ${Math.round(height)}, less than ${least}: ${control.outerHTML.slice(0, 100)}`);
  }
  return wrong;
}

/** With reduced motion nothing goes on moving; a spinner stands still, and its word says what happens. */
export function moving() {
  return document
    .getAnimations()
    .filter((animation) => animation.playState === 'running' && Number(animation.effect?.getComputedTiming().activeDuration) > 10)
    .map((animation) => `${animation instanceof CSSAnimation ? animation.animationName : 'something'} moves although motion is reduced`);
}
