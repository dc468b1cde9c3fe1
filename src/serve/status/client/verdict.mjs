/**
 * The verdict: healthy, or the findings with links to their processes and metrics. A finding keeps its place and its element while it
 * lasts, and stays for a minute after it ended, so that trouble that comes and goes does not flicker.
 */
import { element, setText } from './element.mjs';
import { age, count } from './format.mjs';

const KEPT_SECONDS = 60;
/** The text of this rule has its own time, and ends by it. */
const ENDS_BY_ITSELF = 'killed';
/** Only what is about a process or a metric is worth a line when it is over; «3 more like that» is not. */
const isKept = ({ rule, process, metric }) =>
  rule !== ENDS_BY_ITSELF && (process !== undefined || metric !== undefined);

export class Verdict {
  #section;
  #heading;
  #list;
  #onMetric;
  /** By `keyOf`, in the order of their first appearance. */
  #shown = new Map();

  /** @param {(metric: string) => void} onMetric called where the user follows the link to a metric */
  constructor(section, onMetric) {
    this.#section = section;
    this.#heading = section.querySelector('h2 > span');
    this.#list = section.querySelector('ul');
    this.#onMetric = onMetric;
  }

  /** @param {any[]} findings the worst first */
  show(findings, now, isEmpty) {
    const current = isEmpty ? [] : findings;
    const keys = new Set(current.map(keyOf));
    for (const finding of current) this.#showFinding(finding, now);
    for (const [key, { finding, seenAt, item, text }] of this.#shown) {
      const isOver = !keys.has(key);
      const passed = now - seenAt;
      if (isOver && (passed > KEPT_SECONDS || !isKept(finding))) {
        item.remove();
        this.#shown.delete(key);
      } else {
        item.className = isOver ? 'over' : finding.level;
        setText(text, isOver ? `${age(passed)} ago: ${finding.text}` : finding.text);
      }
    }
    this.#order(current);
    this.#section.className = `verdict ${isEmpty ? '' : (current[0]?.level ?? 'healthy')}`;
    setText(this.#heading, headingOf(current, isEmpty));
  }

  #showFinding(finding, now) {
    const key = keyOf(finding);
    const known = this.#shown.get(key);
    if (known !== undefined) {
      Object.assign(known, { finding, seenAt: now });
      return;
    }
    const text = this.#textElement(finding);
    this.#shown.set(key, { finding, seenAt: now, text, item: element('li', {}, text) });
  }

  #textElement({ process, metric }) {
    if (process !== undefined) {
      return element('a', { href: `#process-${process}`, onclick: (event) => findProcess(event, process) });
    }
    if (metric === undefined) return element('span');
    const follow = (event) => {
      event.preventDefault();
      this.#onMetric(metric);
    };
    return element('a', { href: '#families-heading', onclick: follow });
  }

  /** The current ones first, in their order. An element that is in its place is not moved: the focus would be lost. */
  #order(current) {
    const first = current.map((finding) => this.#shown.get(keyOf(finding)));
    const items = [...new Set([...first, ...this.#shown.values()])].map(({ item }) => item);
    items.forEach((item, at) => {
      if (this.#list.children[at] !== item) this.#list.insertBefore(item, this.#list.children[at] ?? null);
    });
  }
}

/** Figures in a text change while the finding lasts. */
function keyOf({ rule, process, metric, text }) {
  return [
    rule,
    process,
    metric,
    process === undefined && metric === undefined ? text.replaceAll(/\d+/g, '') : '',
  ].join();
}

function headingOf(findings, isEmpty) {
  if (isEmpty) return 'Nothing to show yet';
  if (findings.length === 0) return 'Healthy';
  return findings.length === 1 ? '1 problem' : `${count(findings.length)} problems`;
}

/** The fragment of the address is taken by the charts. */
function findProcess(event, file) {
  event.preventDefault();
  const row = document.getElementById(`process-${file}`);
  for (const other of document.querySelectorAll('tr.found')) other.classList.remove('found');
  row?.classList.add('found');
  row?.scrollIntoView({ block: 'center' });
}
