/**
 * Words. One catalogue per language; ids stay when the text changes. Sentences are whole: `{name}`
 * is filled in, plurals are chosen by `Intl.PluralRules` on the parameter `n`.
 */

import { h } from './dom.js';

/** @typedef {string | Record<string, string>} Entry */
/** @typedef {Record<string, Entry>} Catalogue */
/** @typedef {Record<string, string | number>} Params */

/** Languages with a catalogue, each by its own name. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' };

const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur']);

/** @type {Catalogue} */
let words = {};
let current = 'en';

/**
 * @param {string | null | undefined} asked
 * @returns {keyof typeof LANGUAGES | undefined}
 */
function known(asked) {
  const base = (asked ?? '').toLowerCase().split('-')[0];
  return base in LANGUAGES ? /** @type {keyof typeof LANGUAGES} */ (base) : undefined;
}

/**
 * The language to begin with: as kept, as asked in the address, as the browser is set.
 * @param {Storage} kept
 */
export function firstLanguage(kept) {
  const asked = new URLSearchParams(location.search).get('lang');
  const candidates = [asked, kept.getItem('lens.language'), ...navigator.languages];
  for (const candidate of candidates) {
    const found = known(candidate);
    if (found) return found;
  }
  return 'en';
}

/**
 * Takes a language into use.
 * @param {string} language
 * @param {...string} parts names of the catalogues, such as `customer`
 */
export async function useLanguage(language, ...parts) {
  const chosen = known(language) ?? 'en';
  const catalogues = await Promise.all(parts.map((part) => import(`/assets/i18n/${part}${chosen}.js`)));
  words = Object.assign({}, ...catalogues.map((catalogue) => catalogue.default));
  current = chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = RIGHT_TO_LEFT.has(chosen) ? 'rtl' : 'ltr';
}

/** The language in use, such as `de`. */
export const language = () => current;

/**
 * Whether the catalogue has a text.
 * @param {string} id
 */
export const has = (id) => id in words;

/**
 * The text with this id.
 * @param {string} id
 * @param {Params} [params]
 */
export function t(id, params = {}) {
  const entry = words[id];
  if (entry === undefined) return id;
  const text = typeof entry === 'string' ? entry : (entry[plural(Number(params.n))] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/**
 * The text with its *stressed* words as elements.
 * @param {string} id
 * @param {Params} [params]
 */
export function rich(id, params = {}) {
  return t(id, params)
    .split('*')
    .map((part, at) => (at % 2 === 1 ? h('strong', null, part) : part));
}

/** @param {number} n */
function plural(n) {
  return new Intl.PluralRules(current).select(n);
}
