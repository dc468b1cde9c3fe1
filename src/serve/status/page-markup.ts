/**
 * The markup contains no data: the script adds the data of the metrics files, as text. URLs are relative, so that the page
 * works behind a proxy that mounts the server below a prefix.
 */
export const PAGE_MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>prom-multiproc: status</title>
<link rel="icon" href="status/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="status/uplot.css">
<link rel="stylesheet" href="status/page.css">
<script src="status/uplot.js" defer></script>
<script src="status/page.mjs" type="module"></script>
</head>
<body>
<a class="skip" href="#processes-heading">Skip to the processes</a>
<header>
<div class="title"><h1>prom-multiproc</h1><p id="dir"></p></div>
<div class="upkeep"><span class="clock">Updated <span id="updated">–</span></span><button type="button" id="pause" aria-pressed="false">Pause</button><a href="./">Home</a></div>
</header>
<main>
<noscript><p class="trouble">This page needs JavaScript; the same numbers are in the metrics.</p></noscript>
<p id="trouble" class="trouble" role="alert"></p>
<p id="news" class="unseen" role="status"></p>
<section id="verdict" class="verdict" aria-labelledby="verdict-heading"><h2 id="verdict-heading"><span aria-live="polite">Reading…</span></h2><ul id="findings"></ul></section>
<dl class="tiles">
<div><dt>Processes</dt><dd id="tile-live">–</dd><dd class="note" id="tile-live-note"></dd></div>
<div><dt>CPU</dt><dd id="tile-cpu">–</dd><dd class="note">all processes</dd></div>
<div><dt>Memory</dt><dd id="tile-memory">–</dd><dd class="note">all processes</dd></div>
<div><dt>Longest lag</dt><dd id="tile-lag">–</dd><dd class="note" id="tile-lag-note">of event loops</dd></div>
<div><dt>Requests</dt><dd id="tile-requests">–</dd><dd class="note" id="tile-requests-note">per second</dd></div>
<div><dt>Failed</dt><dd id="tile-failed">–</dd><dd class="note">status 5xx</dd></div>
</dl>
<section aria-labelledby="processes-heading">
<h2 id="processes-heading" tabindex="-1">Processes <span class="count" id="process-count"></span></h2>
<p id="no-processes" class="empty" hidden>No process uses this directory yet. Start the application with <code id="no-processes-dir"></code>; its processes then appear here.</p>
<div class="scroll tall" role="region" tabindex="0" aria-label="Table of processes"><table id="processes"><caption>Processes and worker threads: those that the verdict names first, dead ones last</caption></table></div>
</section>
<section id="workers" aria-labelledby="workers-heading">
<h2 id="workers-heading">The last 15 minutes</h2>
<ul id="marks" class="marks" aria-label="Processes that died (dashed) or started (dotted), the latest first"></ul>
<div id="worker-charts" class="charts"></div>
</section>
<section aria-labelledby="charts-heading">
<div class="bar-of-section">
<h2 id="charts-heading">Charts</h2>
<form id="add-chart"><label for="metric">Metric</label><input id="metric" name="metric" list="metric-names" autocomplete="off" spellcheck="false" placeholder="name of a metric"><datalist id="metric-names"></datalist><button type="submit">Add chart</button></form>
</div>
<div id="charts" class="charts"></div>
<p id="charts-news" class="note" role="status"></p>
<p id="no-charts" class="note">Pick a metric here or in the table below.</p>
</section>
<section aria-labelledby="families-heading">
<div class="bar-of-section">
<h2 id="families-heading">Metrics by series <span class="count" id="family-count"></span></h2>
<label class="filter">Search <input id="family-filter" type="search" autocomplete="off" spellcheck="false" placeholder="name, help or label"></label>
</div>
<p id="conflicts" class="trouble" hidden></p>
<div class="scroll" role="region" tabindex="0" aria-label="Table of metrics"><table id="families"><caption>Metrics, those with the most series first</caption></table></div>
<button type="button" id="all-families" hidden></button>
</section>
<section aria-labelledby="housekeeping-heading">
<h2 id="housekeeping-heading">Files of the metrics</h2>
<dl class="tiles facts">
<div><dt>Series</dt><dd id="tile-series">–</dd><dd class="note" id="tile-series-note"></dd></div>
<div><dt>Size</dt><dd id="tile-bytes">–</dd><dd class="note" id="tile-bytes-note"></dd></div>
<div><dt>Scrape</dt><dd id="tile-duration">–</dd><dd class="note">read and merge</dd></div>
<div><dt>Dead, waiting</dt><dd id="tile-dead">–</dd><dd class="note" id="tile-dead-note"></dd></div>
<div><dt>Archive</dt><dd id="tile-archive">–</dd><dd class="note" id="tile-archive-note"></dd></div>
<div><dt>Skipped files</dt><dd id="tile-skipped">–</dd><dd class="note">unreadable</dd></div>
</dl>
</section>
<section id="skipped-section" aria-labelledby="skipped-heading" hidden>
<h2 id="skipped-heading">Skipped files</h2>
<div class="scroll" role="region" tabindex="0" aria-label="Table of skipped files"><table id="skipped-files"><caption>Files that the last update could not read</caption></table></div>
</section>
</main>
</body>
</html>
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#2563eb"/><path d="M3 12V8m3.3 4V4m3.4 8V6.5M13 12V2.8" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/></svg>
`;
