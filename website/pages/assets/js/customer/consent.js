/** The consent sheet's sentences, and their fingerprint as stored with the consent. */

import { listOf } from '../common/format.js';
import { t } from '../common/i18n.js';
import { platform } from './device.js';

/** @typedef {import('../common/types.js').CustomerView} CustomerView */

/**
 * Everything the sheet says, in reading order.
 * @param {CustomerView} view
 */
export function consentSentences(view) {
  const tech = view.technician.first_name;
  const names = view.watchers.map((watcher) => watcher.first_name);
  const many = names.length > 1;
  return {
    title: t('consent.title', { tech }),
    who: many ? t('consent.who.many', { names: listOf(names) }) : t('consent.who', { tech }),
    kept: view.consent.recorded ? t('consent.kept.rec', { n: view.consent.kept_days }) : t('consent.kept'),
    voice: t('consent.voice'),
    voiceText: t('consent.voice.text', { tech }),
    only: t('consent.only'),
    onlyText: t('consent.only.text'),
    hint: t(platform() === 'desktop' ? 'consent.hint.desktop' : 'consent.hint'),
    yes: t('consent.yes'),
    no: t('consent.no'),
  };
}

/**
 * SHA-256 of the sentences, one a line, in hexadecimal.
 * @param {ReturnType<typeof consentSentences>} sentences
 */
export async function fingerprint(sentences) {
  const text = Object.values(sentences).join('\n');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
