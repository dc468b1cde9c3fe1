export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1b1f24; --muted: #59636e; --edge: #d9dee3; --grid: #e6eaee;
  --accent: #1d4ed8; --accent-text: #fff; --live: #1a7f4b; --dead: #b42318; --perhaps: #8a5a00; --heat: #1d4ed8; --bar: #22303c; --spark: #6f8fc9;
  --line-0: #2563eb; --line-1: #0f8a5f; --line-2: #7c3aed; --line-3: #0e7490; --line-4: #c026a3;
  --line-5: #4d7c0f; --line-6: #475569; --line-7: #1e3a8a; --line-8: #0d9488; --line-9: #9333ea;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --card: #181c22; --text: #e7eaee; --muted: #9aa4af; --edge: #2c333b; --grid: #262c34;
    --accent: #6ea8fe; --accent-text: #08131f; --live: #4fd18b; --dead: #ff8b80; --perhaps: #f0b44c; --heat: #6ea8fe; --bar: #1c2630; --spark: #5b7fb8;
    --line-0: #6ea8fe; --line-1: #4ade9f; --line-2: #b197fc; --line-3: #4fc8e0; --line-4: #f07ad8;
    --line-5: #a3d65c; --line-6: #a8b3c2; --line-7: #93b4f5; --line-8: #5eead4; --line-9: #d0a5ff;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--text); }
a { color: inherit; }
h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h1 { font-size: 1.15rem; }
h2 { font-size: 1.1rem; }
h3 { font-size: .95rem; font-weight: 600; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: .5rem; top: .5rem; background: var(--card); padding: .25rem .5rem; z-index: 10; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center; justify-content: space-between;
  background: var(--bar); color: #fff; padding: .6rem 1.25rem; --accent: #fff; }
.title { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; min-width: 0; }
#dir { opacity: .92; font-size: .85rem; overflow-wrap: anywhere; }
.upkeep { display: flex; gap: .9rem; align-items: center; font-size: .85rem; }
.clock { font-variant-numeric: tabular-nums; }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.4rem; max-width: 84rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
main > section { display: grid; grid-template-columns: minmax(0, 1fr); gap: .6rem; }
button, input, select { font: inherit; font-size: .875rem; color: var(--text); background: var(--card);
  border: 1px solid var(--edge); border-radius: 6px; padding: .25rem .6rem; min-height: 2rem; max-width: 100%; }
button { cursor: pointer; }
button:hover { border-color: var(--muted); }
button[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--accent-text); }
header button, header button[aria-pressed="true"] { background: transparent; border-color: #ffffff8c; color: #fff; }
header button[aria-pressed="true"] { background: #fff; color: #22303c; }
.verdict { background: var(--card); border: 1px solid var(--edge); border-left: 6px solid var(--muted); border-radius: 10px; padding: .7rem 1rem; }
.verdict h2 { font-size: 1.3rem; }
.verdict.healthy { border-left-color: var(--live); }
.verdict.warning { border-left-color: var(--perhaps); }
.verdict.bad { border-left-color: var(--dead); }
.verdict ul { list-style: none; display: grid; gap: .2rem; margin-top: .3rem; }
.verdict ul:empty { display: none; }
.verdict li { overflow-wrap: anywhere; }
.verdict li.over { color: var(--muted); }
.verdict li.over::before { content: "·"; color: var(--muted); }
.verdict li::before { content: "!"; display: inline-block; width: 1.1rem; font-weight: 700; color: var(--perhaps); }
.verdict li.bad::before { color: var(--dead); }
tr.named > :first-child { box-shadow: inset 4px 0 var(--dead); }
tr.named > :first-child::before { content: "! "; color: var(--dead); font-weight: 700; }
tr:target, tr.found { background: var(--grid); }
td.trouble-cell { color: var(--dead); font-weight: 600; }
.figure { display: block; }
.spark { display: block; width: 100%; min-width: 2.5rem; height: .85rem; overflow: visible; }
.spark polyline { fill: none; stroke: var(--spark); stroke-width: 1.25; vector-effect: non-scaling-stroke; }
.marks { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.2rem; font-size: .8rem; color: var(--muted); }
.marks:empty { display: none; }
.marks time { font-variant-numeric: tabular-nums; }
.marks .died { color: var(--dead); }
.tiles { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: .7rem; }
@media (max-width: 62rem) { .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
.facts dd:not(.note) { font-size: 1.1rem; }
.tiles > div { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .6rem .8rem; min-width: 0; }
.tiles dt { color: var(--muted); font-size: .8rem; }
.tiles dd { font-size: 1.45rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.note, .tiles dd.note { color: var(--muted); font-size: .8rem; font-weight: 400; }
.alarming { border-color: var(--dead) !important; }
.alarming dd:not(.note) { color: var(--dead); }
.trouble:empty, .note:empty { display: none; }
.trouble { border-left: 4px solid var(--dead); background: var(--card); padding: .5rem .8rem; overflow-wrap: anywhere; }
.stale .tiles, .stale .charts, .stale table { opacity: .55; }
.bar-of-section { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; justify-content: space-between; }
.count { color: var(--muted); font-weight: 400; font-size: .9rem; }
#add-chart { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; min-width: 0; }
#add-chart label, .filter { color: var(--muted); font-size: .875rem; }
#metric { width: 19rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: .7rem; }
.charts.four { grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.chart { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .7rem .8rem; min-width: 0;
  display: flex; flex-direction: column; gap: .3rem; }
.chart .head { display: flex; gap: .3rem .6rem; align-items: start; justify-content: space-between; }
.chart h3 { flex: 1; min-width: 0; }
.controls { display: flex; gap: .3rem; margin-left: auto; }
.controls select, .remove { min-height: 1.75rem; padding: .1rem .4rem; font-size: .8rem; }
.about { color: var(--muted); font-size: .8rem; overflow-wrap: anywhere; }
.plot { min-width: 0; overflow: hidden; border-radius: 4px; min-height: 190px; }
.legend { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12.5rem), 1fr)); gap: 0 1rem; font-size: .8rem; }
.legend li { display: flex; gap: .45rem; align-items: center; min-width: 0; }
.legend .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 1 1 auto; min-width: 0; }
.legend .value { font-variant-numeric: tabular-nums; color: var(--muted); white-space: nowrap; }
.swatch { flex: none; width: .8rem; height: .2rem; border-radius: 2px; }
.empty { background: var(--card); border: 1px dashed var(--edge); border-radius: 10px; padding: 1rem 1.25rem; color: var(--muted); }
.empty code { color: var(--text); overflow-wrap: anywhere; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--edge); border-radius: 10px; }
.tall { max-height: 26rem; overflow-y: auto; }
.tall thead th { position: sticky; top: 0; background: var(--card); border-bottom: 0; box-shadow: inset 0 -1px var(--grid); }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
caption, .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { text-align: left; padding: .35rem .75rem; border-bottom: 1px solid var(--grid); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 500; }
#processes th, #processes td { padding: .3rem .45rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tbody th.text { min-width: 11rem; overflow-wrap: anywhere; }
td.text { overflow-wrap: break-word; }
td button { white-space: nowrap; }
.sort { border: 0; padding: 0; min-height: 0; background: none; color: inherit; font-weight: inherit; }
.sort::after { content: " ↕"; content: " ↕" / ""; opacity: .35; }
[aria-sort="ascending"] .sort::after { content: " ↑"; content: " ↑" / ""; opacity: 1; }
[aria-sort="descending"] .sort::after { content: " ↓"; content: " ↓" / ""; opacity: 1; }
.metric { overflow-wrap: anywhere; }
.help { display: block; color: var(--muted); font-weight: 400; font-size: .8rem; overflow-wrap: anywhere; }
.share { display: flex; gap: .5rem; align-items: center; }
.track { flex: 1; height: .5rem; border-radius: 3px; background: var(--grid); overflow: hidden; }
.bar { display: block; height: 100%; background: var(--accent); }
.percent { flex: none; width: 3rem; text-align: right; color: var(--muted); font-size: .8rem; font-variant-numeric: tabular-nums; }
td:has(.share) { width: 24%; }
#families td button { min-height: 1.6rem; padding: .05rem .5rem; font-size: .8rem; }
.state { white-space: nowrap; font-weight: 500; }
.state::before { content: ""; display: inline-block; width: .55rem; height: .55rem; border-radius: 50%; background: currentColor; margin-right: .4rem; }
.state.live { color: var(--live); }
.state.dead { color: var(--dead); }
.state.ended { color: var(--muted); }
.state.dead::before, .state.ended::before { border-radius: 1px; }
.state.unknown { color: var(--perhaps); }
#all-families { justify-self: start; }
@media (max-width: 40rem) {
  header, main { padding-left: .75rem; padding-right: .75rem; }
  .minor { display: none; }
  th, td, #processes th, #processes td { padding: .35rem .25rem; }
  .sort::after { content: none; }
  #processes .state > span, #processes th:nth-child(2) button { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table { font-size: .8rem; }
  .state::before { margin-right: 0; }
  tbody th.text { min-width: 0; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #add-chart, #metric { width: 100%; }
  .filter input { width: 9rem; }
}
@media (forced-colors: active) { .swatch, .bar, .state::before { forced-color-adjust: none; } }
`;
