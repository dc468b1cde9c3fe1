/**
 * Builds elements. What comes from metrics files becomes text here and never markup: strings are text nodes, and
 * attributes are set one by one.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Sets a metric's name, which may be broken where a person would: after its underscores. */
export function setName(target, name) {
  if (target.textContent === name) return;
  target.replaceChildren(...name.split(/(?<=_)/).flatMap((part, at) => (at === 0 ? [part] : [element('wbr'), part])));
}

/** Sets an element's text, and touches nothing where it is the same: a selection in it stays, nothing is announced. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
