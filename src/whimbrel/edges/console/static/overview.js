// The live figures: one frame a second, the last five minutes in a plot.
"use strict";

(() => {
  const tiles = document.getElementById("figures");
  const place = document.getElementById("plot");
  const behind = document.getElementById("behind");
  const before = tiles.dataset.before ? JSON.parse(tiles.dataset.before) : null;
  const names = ["accepted", "sent", "delivered", "failed"];
  if (!before) return;
  const many = before.accepted.length;
  const data = [Array.from({ length: many }, (_, n) => before.at - many + 1 + n), ...names.map((name) => before[name])];
  const whole = new Intl.NumberFormat(document.documentElement.lang);
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  let plot = null;

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function draw() {
    if (plot) plot.destroy();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const line = (label, name, dash) => ({ label, stroke: colour(name), width: 1.5, dash, points: { show: false }, spanGaps: true });
    plot = new uPlot({
      width: place.clientWidth, height: 220, legend: { show: false }, cursor: { y: false },
      scales: { y: { range: (u, min, max) => [0, Math.max(max * 1.1, 5)] } },
      axes: [{ ...axis, size: 28, incrs: [30, 60, 120, 300], values: (_, splits) => splits.map((at) => (at % 60 ? "" : clock.format(at * 1000))) }, { ...axis, size: 52 }],
      series: [{}, line("accepted", "--info"), line("sent", "--warn", [6, 3]), line("delivered", "--good"), line("failed", "--bad", [2, 3])],
    }, data, place);
  }

  function show(frame) {
    data[0].push(frame.at);
    names.forEach((name, n) => data[n + 1].push(frame[name]));
    data.forEach((series) => series.shift());
    plot.setData(data);
    for (const name of ["accepted", "sent", "delivered"]) tiles.querySelector(`[data-figure=${name}]`).textContent = whole.format(frame[name]);
    const rate = frame.delivery_rate, latency = frame.latency_ms;
    tiles.querySelector("[data-figure=delivery_rate]").textContent = rate === null ? "–" : (rate * 100).toFixed(1) + " %";
    tiles.querySelector("[data-figure=latency_ms]").textContent = latency === null ? "–" : latency < 1000 ? Math.round(latency) + " ms" : (latency / 1000).toFixed(1) + " s";
    behind.hidden = !frame.behind;
  }

  draw();
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 220 })).observe(place);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const source = new EventSource(tiles.dataset.live);
  source.addEventListener("frame", (event) => show(JSON.parse(event.data)));
  addEventListener("pagehide", () => source.close());
})();
