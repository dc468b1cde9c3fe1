/** Where a histogram's observations fell over time: a column for each look, a row for each bucket. */

/** On the same scale for all columns; by the square root, or the few slow ones, which are what is looked for, vanish. */
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
      ctx.fillRect(from, top, to - from, bottom - top - 1);
    });
  }
  ctx.restore();
}
