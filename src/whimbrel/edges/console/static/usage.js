// Figures over time: a bar for each hour, day or month (UTC). Names of countries in the page's language.
"use strict";

(() => {
  const language = document.documentElement.lang;
  const regions = new Intl.DisplayNames([language], { type: "region", fallback: "none" });
  const short = new Intl.NumberFormat(language, { notation: "compact" });
  let drawn = [];

  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function bars(label, name, size, fill) {
    return { label, stroke: colour(name), fill: colour(name) + fill, width: 0, paths: uPlot.paths.bars({ size: [size, 40], radius: .15 }), points: { show: false } };
  }

  function dates(values) {
    const form = values.length > 7e6 ? { month: "short" } : values.length > 2e6 ? { month: "short", year: "2-digit" } : values.length > 80000 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const text = new Intl.DateTimeFormat(language, { timeZone: "UTC", ...form });
    return (_, splits) => splits.map((at) => text.format(new Date(at * 1000)));
  }

  function draw(place) {
    const values = JSON.parse(place.dataset.values);
    const isMoney = place.dataset.plot === "spent";
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const many = values.times.length, left = values.times[0] - values.length / 2, right = values.times[many - 1] + values.length / 2;
    const data = isMoney ? [values.times, values.charged] : [values.times, values.accepted, values.delivered, values.lost];
    const series = isMoney ? [bars("", "--accent", .7, "")] : [bars("", "--info", .8, "55"), bars("", "--good", .5, ""), bars("", "--bad", .22, "")];
    const every = Math.max(1, Math.ceil(many / Math.max(2, place.clientWidth / 80)));
    const plot = new uPlot({
      width: place.clientWidth, height: place.clientHeight, legend: { show: false }, cursor: { show: false }, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
      scales: { x: { range: [left, right] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
      axes: [{ ...axis, grid: { show: false }, splits: () => values.times.filter((_, n) => (many - 1 - n) % every === 0), values: dates(values) }, { ...axis, size: 52, values: (_, splits) => splits.map((each) => short.format(each)) }],
      series: [{}, ...series],
    }, data, place);
    const sized = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: place.clientHeight }));
    sized.observe(place);
    return () => { sized.disconnect(); plot.destroy(); };
  }

  function show() {
    drawn.forEach((end) => end());
    drawn = [...document.querySelectorAll("[data-plot]")].map(draw);
    for (const place of document.querySelectorAll("[data-country]")) {
      const name = regions.of(place.dataset.country.match(/^[A-Z]{2}$/) ? place.dataset.country : "ZZ");
      if (name && place.dataset.country !== "001" && !place.dataset.named) { place.dataset.named = "1"; place.textContent = name + " "; place.append(Object.assign(document.createElement("span"), { className: "region", textContent: place.dataset.country })); }
    }
  }

  show();
  new MutationObserver(show).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  document.body.addEventListener("htmx:afterSettle", show);
})();
