/** Chat lines as groups: one head for lines that one person wrote within a few minutes. */

/** @typedef {import('./types.js').ChatLine} ChatLine */
/** @typedef {{ key: string, own: boolean, name: string, at: string, lines: ChatLine[] }} Group */

/** Lines further apart than this begin a new group, in milliseconds. */
const GAP_MS = 180_000;

/**
 * @param {ChatLine[]} lines in order
 * @param {(line: ChatLine) => boolean} isOwn
 * @returns {Group[]}
 */
export function chatGroups(lines, isOwn) {
  /** @type {Group[]} */
  const groups = [];
  for (const line of lines) {
    const last = groups[groups.length - 1];
    const near = last && Date.parse(line.at) - Date.parse(last.lines[last.lines.length - 1].at) < GAP_MS;
    if (last && near && last.name === line.name && last.own === isOwn(line)) last.lines.push(line);
    else groups.push({ key: line.id, own: isOwn(line), name: line.name, at: line.at, lines: [line] });
  }
  return groups;
}
