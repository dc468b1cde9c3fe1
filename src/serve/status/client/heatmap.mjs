/** The observations of a histogram over time: a column for each update, a row for each bucket. */

/**
 * All columns have the same colour scale. It goes by the square root, because the few slow observations, which a reader looks
 * for, would otherwise be invisible.
 */
export function drawHeatmap(plot, { times, increments }, colour) {
  const { ctx } = plot;
  const most = Math.max(1, ...increments.map((row) => Math.max(...row)));
  const [left, right] = [plot.bbox.left, plot.bbox.left + plot.bbox.width];
  ctx.save();
  ctx.fillStyle = colour;
  for (let at = 1; at < times.length; at++) {
    const from = Math.max(left, Math.floor(plot.valToPos(times[at - 1], 'x', true)));
    const to = Math.min(right, Math.floor(plot.valToPos(times[at], 'x', true)));
    if (to <= from) continue;
    increments[at].forEach((value, bucket) => {
      if (value === 0) return;
      const top = Math.floor(plot.valToPos(bucket + 1, 'y', true));
      const bottom = Math.floor(plot.valToPos(bucket, 'y', true));
      ctx.globalAlpha = 0.1 + 0.9 * Math.sqrt(value / most);
      // low rows have no gap between them
      ctx.fillRect(from, top, to - from, Math.max(1, bottom - top - (bottom - top > 4 ? 1 : 0)));
    });
  }
  ctx.restore();
}
