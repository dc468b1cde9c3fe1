/**
 * Builds elements. Data from metrics files becomes text here and never markup: strings become text nodes, and attributes are
 * set one by one.
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

/** Sets the name of a metric and allows line breaks after its underscores. */
export function setName(target, name) {
  if (target.textContent === name) return;
  target.replaceChildren(...name.split(/(?<=_)/).flatMap((part, at) => (at === 0 ? [part] : [element('wbr'), part])));
}

/** Sets an element's text only where it differs: otherwise a selection would be lost and a screen reader would read it again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
