/** A small line without axes, for a cell of a table. */

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [72, 18];

export function sparkline() {
  const line = document.createElementNS(SVG, 'polyline');
  const root = document.createElementNS(SVG, 'svg');
  root.setAttribute('class', 'spark');
  root.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  root.setAttribute('preserveAspectRatio', 'none');
  root.setAttribute('aria-hidden', 'true');
  root.append(line);
  return root;
}

/** @param {number[]} values the oldest first @param {number} most the top of the scale */
export function drawSparkline(root, values, most) {
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1)}`,
  );
  root.firstChild.setAttribute('points', points.join(' '));
}
