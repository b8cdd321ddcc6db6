/** Which view the address names, and going from one to the next. */

/** @typedef {{ view: 'sessions' | 'history' | 'session', id: string, filter: 'all' | 'mine' | 'queue', state: string, q: string, tab: string }} Route */

/** States by which the list can be filtered, in the order in which a session goes through them. */
export const OPEN_STATES = ['created', 'connecting', 'waiting', 'active', 'on_hold', 'reconnecting', 'offline'];

/** @returns {Route} */
export function routeNow() {
  const [, , first, id] = location.pathname.split('/');
  const query = new URLSearchParams(location.search);
  const filter = query.get('filter');
  return {
    view: first === 'history' ? 'history' : first === 'sessions' && id ? 'session' : 'sessions',
    id: first === 'sessions' && id ? id : '',
    filter: filter === 'mine' || filter === 'queue' ? filter : 'all',
    state: OPEN_STATES.includes(query.get('state') ?? '') ? (query.get('state') ?? '') : '',
    q: query.get('q') ?? '',
    tab: query.get('tab') ?? 'chat',
  };
}

/** @param {Partial<Route>} to */
export function addressOf(to) {
  const path = to.view === 'session' ? `/console/sessions/${to.id}` : to.view === 'history' ? '/console/history' : '/console';
  const query = new URLSearchParams();
  if (to.filter && to.filter !== 'all') query.set('filter', to.filter);
  if (to.state) query.set('state', to.state);
  if (to.q) query.set('q', to.q);
  if (to.tab && to.tab !== 'chat') query.set('tab', to.tab);
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * Goes there; `replace` leaves no step to come back to.
 * @param {Partial<Route>} to
 * @param {{ replace?: boolean }} [how]
 */
export function go(to, how = {}) {
  const address = addressOf(to);
  if (how.replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  dispatchEvent(new Event('lens:route'));
}

/**
 * Follows a plain click on one of our own links; leaves every other kind to the browser.
 * @param {MouseEvent} event
 */
export function followLink(event) {
  const link = /** @type {HTMLElement} */ (event.target).closest('a');
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.target || link.origin !== location.origin || !link.pathname.startsWith('/console')) return;
  event.preventDefault();
  history.pushState(null, '', link.href);
  dispatchEvent(new Event('lens:route'));
}
