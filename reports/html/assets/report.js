"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  for (const name in data) data[name] ??= []; // what was never measured
  const root = document.documentElement;
  window.addEventListener("error", e => { root.dataset.failed = e.message; });

  const light = {paper: "#ffffff", ink: "#1a2230", soft: "#5d6878", grid: "#e6e9ee", blue: "#1f6fc0", green: "#12805c", amber: "#c77700", red: "#c8321e", purple: "#7d4cc2", gray: "#8a94a3", faults: ["#b45309", "#7c3aed", "#be123c", "#0e7490"], host: "#a14a06"};
  const dark = {paper: "#181d26", ink: "#e6e9ee", soft: "#98a3b3", grid: "#262d38", blue: "#66aef2", green: "#3fcf9b", amber: "#f5b04a", red: "#ff7a66", purple: "#b493f0", gray: "#8a94a3", faults: ["#f59e0b", "#a78bfa", "#fb7185", "#22d3ee"], host: "#fbbf24"};
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  let colors = light;

  const font = "11px system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif";
  const faultColor = i => colors.faults[i % colors.faults.length];
  const alpha = (hex, a) => hex + Math.round(a * 255).toString(16).padStart(2, "0");
  const some = column => column.some(v => v !== null);

  const trim = x => String(+x.toPrecision(3));
  const plain = v => v === null || v === undefined ? "" : Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en-US") : trim(v);
  const time = ms => ms === null || ms === undefined ? "" : ms < 1 ? trim(ms * 1000) + " µs" : ms < 999.5 ? trim(ms) + " ms" : ms < 60000 ? trim(ms / 1000) + " s" : trim(ms / 60000) + " min";
  const clock = s => {
    if (s === null || s === undefined) return "";
    const end = data.t[data.t.length - 1] || 0;
    if (end < 600) return trim(s) + " s";
    const h = Math.floor(s / 3600), m = Math.floor(s % 3600 / 60), sec = Math.round(s % 60), two = n => String(n).padStart(2, "0");
    return h ? h + ":" + two(m) + ":" + two(sec) : m + ":" + two(sec);
  };
  const percent = v => v === null || v === undefined ? "" : trim(v) + " %";

  // Bands of faults behind every chart: dark where injected, light to the window's end.
  function shade(u) {
    const {ctx, bbox} = u, ratio = uPlot.pxRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    data.faults.forEach((f, i) => {
      const from = u.valToPos(f.start, "x", true), end = u.valToPos(Math.max(f.end, f.start), "x", true), window = u.valToPos(f.window, "x", true);
      ctx.fillStyle = alpha(faultColor(i), .08);
      ctx.fillRect(from, bbox.top, window - from, bbox.height);
      ctx.fillStyle = alpha(faultColor(i), .2);
      ctx.fillRect(from, bbox.top, Math.max(end - from, ratio), bbox.height);
    });
    ctx.restore();
  }

  function text(ctx, label, x, y) {
    ctx.lineJoin = "round";
    ctx.setLineDash([]);
    ctx.lineWidth = 3 * uPlot.pxRatio;
    ctx.strokeStyle = colors.paper;
    ctx.strokeText(label, x, y);
    ctx.fillText(label, x, y);
  }

  function letters(u) {
    const {ctx, bbox} = u, ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `700 ${10 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    data.faults.forEach((f, i) => {
      const x = u.valToPos(f.start, "x", true) + (3 + 12 * f.lane) * ratio;
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.fillStyle = faultColor(i);
      text(ctx, f.letter, x, bbox.top + 3 * ratio);
    });
    ctx.restore();
  }

  function line(u, value, label, color) {
    const {ctx, bbox} = u, ratio = uPlot.pxRatio, y = u.valToPos(value, "y", true);
    if (!value || y < bbox.top || y > bbox.top + bbox.height) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${10.5 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.textBaseline = y - bbox.top < 16 * ratio ? "top" : "bottom";
    text(ctx, label, bbox.left + bbox.width - 4 * ratio, ctx.textBaseline === "top" ? y + 3 * ratio : y - 2 * ratio);
    ctx.restore();
  }

  const sync = uPlot.sync("run");
  const end = data.t.length ? data.t[data.t.length - 1] + data.step : 1;

  const xAxis = () => ({stroke: colors.soft, grid: {stroke: colors.grid, width: 1}, ticks: {stroke: colors.grid, width: 1, size: 5}, font, size: 30, gap: 4, values: (u, splits) => splits.map(clock)});
  const yAxis = (format, extra) => ({stroke: colors.soft, grid: {stroke: colors.grid, width: 1}, ticks: {show: false}, font, size: 58, gap: 6, values: (u, splits) => splits.map(v => v === null ? "" : format(v)), ...extra});

  const decades = () => ({grid: {stroke: colors.grid, width: 1, filter: (u, splits) => splits.map(v => v > 0 && Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-6 ? v : null)}});
  // The mark of a legend is the colour of its line.
  const legend = {markers: {width: 0, fill: (u, i) => u.series[i].mark, stroke: () => "transparent"}};

  function timeline(series, options) {
    return el => ({
      options: {
        width: el.clientWidth, height: options.height || 150, legend, padding: [8, 26, 0, 0],
        cursor: {sync: {key: sync.key, setSeries: false}, drag: {x: true, y: false}, points: {size: 6}, y: false},
        scales: {x: {time: false, range: (u, min, max) => u.zoomed || [0, end]}, y: options.y || {range: (u, min, max) => [0, Math.max(options.atLeast || 0, (max || 0) * 1.08) || 1]}},
        axes: [xAxis(), yAxis(options.format || plain, options.axis?.())],
        series: [{label: "at", value: (u, v) => v === null ? "–" : clock(v)}].concat(series.map(s => ({
          label: s.label, mark: s.color(), stroke: s.color(), width: s.width ?? 1.5, fill: s.fill ? alpha(s.color(), s.fill) : undefined, dash: s.dash, paths: s.paths?.(),
          points: {show: s.points ?? false, size: 4, fill: s.color(), width: 0}, spanGaps: s.spanGaps ?? false, value: (u, v) => v === null || v === undefined ? "–" : (options.format || plain)(v),
        }))),
        hooks: {
          drawClear: [shade],
          draw: [u => options.lines?.(u), letters],
        },
      },
      columns: [data.t, ...series.map(s => s.values)],
    });
  }

  const positive = column => column.map(v => v === null || v <= 0 ? null : v);
  const stepped = () => uPlot.paths.stepped({align: 1});
  const bars = () => uPlot.paths.bars({size: [.8, 12], align: 1});

  const plots = {
    faults: el => {
      const lanes = Math.max(...data.faults.map(f => f.lane)) + 1, height = 22 * lanes;
      return {
        options: {
          width: el.clientWidth, height: height + 12, padding: [6, 26, 6, 0], legend: {show: false},
          cursor: {sync: {key: sync.key, setSeries: false}, drag: {x: true, y: false}, points: {show: false}, y: false},
          scales: {x: {time: false, range: u => u.zoomed || [0, end]}, y: {range: [0, lanes]}},
          axes: [{show: false}, {show: true, size: 58, values: (u, splits) => splits.map(() => ""), grid: {show: false}, ticks: {show: false}}],
          series: [{}, {show: true, stroke: "transparent", points: {show: false}}],
          hooks: {draw: [u => {
            const {ctx, bbox} = u, ratio = uPlot.pxRatio, h = bbox.height / lanes;
            ctx.save();
            ctx.beginPath();
            ctx.rect(bbox.left, 0, bbox.width, ctx.canvas.height);
            ctx.clip();
            data.faults.forEach((f, i) => {
              const from = u.valToPos(f.start, "x", true), inject = u.valToPos(Math.max(f.end, f.start), "x", true), window = u.valToPos(f.window, "x", true), top = bbox.top + f.lane * h + 2 * ratio, tall = h - 4 * ratio;
              ctx.fillStyle = alpha(faultColor(i), .2);
              ctx.fillRect(from, top, window - from, tall);
              ctx.fillStyle = faultColor(i);
              ctx.fillRect(from, top, Math.max(inject - from, 3 * ratio), tall);
              ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
              ctx.textBaseline = "middle";
              const label = f.letter + "  " + f.name, wide = ctx.measureText(label).width + 12 * ratio, fits = Math.max(inject - from, 3 * ratio) + 5 * ratio;
              const leftward = from + fits + wide > bbox.left + bbox.width;
              ctx.textAlign = leftward ? "right" : "left";
              ctx.fillStyle = colors.ink;
              ctx.fillText(label, leftward ? from - 6 * ratio : from + fits, top + tall / 2 + ratio * .5);
            });
            ctx.restore();
          }]},
        },
        columns: [data.t, data.t.map(() => null)],
      };
    },
    rate: timeline([
      {label: "asked", values: data.requested, color: () => colors.gray, fill: .14, width: 1.5, paths: stepped},
      {label: "accepted", values: data.accepted, color: () => colors.blue, width: 2, paths: stepped},
      {label: "requests", values: data.requests, color: () => colors.purple, width: 1.25},
    ], {height: 190}),
    latency: timeline([
      {label: "max", values: positive(data.max), color: () => colors.gray, width: 0, points: true},
      {label: "p99", values: positive(data.p99), color: () => colors.red, width: 2},
      {label: "p90", values: positive(data.p90), color: () => colors.amber},
      {label: "p50", values: positive(data.p50), color: () => colors.blue},
    ], {height: 240, format: time, y: {distr: 3}, axis: decades, lines: u => line(u, data.p99Objective, "p99 objective " + time(data.p99Objective), colors.ink)}),
    errors: timeline([
      {label: "failed", values: data.errors, color: () => colors.red, fill: .75, width: 0, paths: bars},
      {label: "never sent", values: data.unsent, color: () => colors.purple, fill: .75, width: 0, paths: bars},
    ], {height: 130, atLeast: 5}),
    sent: timeline([
      {label: "planned", values: data.planned, color: () => colors.gray, fill: .14, width: 1.5, paths: stepped},
      {label: "started", values: data.started, color: () => colors.blue, width: 2, paths: stepped},
      {label: "answered", values: data.ended, color: () => colors.green, width: 1.25, paths: stepped},
    ], {height: 190}),
    behind: timeline([
      {label: "due and not started", values: data.behind, color: () => colors.purple, fill: .3, paths: stepped},
    ], {height: 130, atLeast: 5}),
    canary: timeline([
      {label: "weight", values: data.weight, color: () => colors.purple, width: 2, fill: .15, paths: stepped},
      {label: "share of answers", values: data.share, color: () => colors.green},
    ], {height: 120, format: percent, atLeast: 1.2}),
    freshness: timeline([
      {label: "worst probe", values: data.freshness, color: () => colors.green, width: 1.5, spanGaps: true},
    ], {height: 150, format: v => trim(v) + " s", atLeast: data.freshnessObjective * 1.1, lines: u => line(u, data.freshnessObjective, "p99 objective " + trim(data.freshnessObjective) + " s", colors.ink)}),
    cpu: timeline([
      {label: "host", values: data.host, color: () => colors.gray, fill: .14},
      {label: "system under test", values: data.system, color: () => colors.blue, width: 2},
      {label: "generator", values: data.generator, color: () => colors.amber, width: 1.5},
      {label: "not this run", values: data.others, color: () => colors.purple, width: 1.5},
    ], {height: 170, format: percent, y: {range: [0, 100]}, lines: u => {
      const {ctx, bbox} = u;
      ctx.save();
      data.hostLimited.forEach(h => {
        const from = u.valToPos(h.start, "x", true), to = u.valToPos(h.end, "x", true), ratio = uPlot.pxRatio;
        ctx.fillStyle = colors.host;
        ctx.fillRect(from, bbox.top, Math.max(to - from, 2 * ratio), 5 * ratio);
      });
      ctx.restore();
      line(u, data.hostObjective, "HOST-LIMITED above " + percent(data.hostObjective), colors.host);
    }}),
    percentiles: el => {
      const kinds = {response: () => colors.blue, service: () => colors.green, batch: () => colors.blue, webhook: () => colors.green, read: () => colors.amber};
      const last = data.nines.length ? Math.max(data.nines[data.nines.length - 1], 1) : 1;
      const marks = [0, Math.log10(2), 1, 2, 3, 4, 5, 6, 7].filter(x => x <= last + .001);
      const quantile = x => x === 0 ? "min" : +(100 * (1 - Math.pow(10, -x))).toPrecision(Math.max(2, Math.ceil(x) + 1)) + " %";
      return {
        options: {
          width: el.clientWidth, height: 320, legend, padding: [8, 26, 0, 0], cursor: {drag: {x: false, y: false}, points: {size: 6}, y: false},
          scales: {x: {time: false, range: () => [0, last]}, y: {distr: 3}},
          axes: [{...xAxis(), splits: () => marks, values: (u, splits) => splits.map(quantile)}, yAxis(time, decades())],
          series: [{label: "percentile", value: (u, v) => v === null ? "–" : quantile(v)}].concat(data.percentiles.map(p => {
            const color = p.inside ? colors.red : (kinds[p.label]?.() || colors.ink);
            return {label: p.label, mark: color, stroke: color, width: p.label === "all requests" ? 2.5 : 1.5, dash: p.inside ? [6, 4] : undefined, points: {show: false}, value: (u, v) => v === null || v === undefined ? "–" : time(v)};
          })),
          hooks: {draw: [u => {
            line(u, data.p99Objective, "p99 objective " + time(data.p99Objective), colors.ink);
            const {ctx, bbox} = u, ratio = uPlot.pxRatio, x = u.valToPos(2, "x", true);
            if (last < 2) return;
            ctx.save();
            ctx.strokeStyle = colors.ink;
            ctx.lineWidth = 1.25 * ratio;
            ctx.setLineDash([6 * ratio, 4 * ratio]);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            ctx.restore();
          }]},
        },
        columns: [data.nines, ...data.percentiles.map(p => p.values)],
      };
    },
  };

  let drawn = [];

  function draw() {
    colors = prefersDark.matches && !printing ? dark : light;
    drawn.forEach(u => u.destroy());
    drawn = [];
    for (const [name, make] of Object.entries(plots)) {
      const el = document.getElementById("plot-" + name);
      if (!el || name === "faults" && !data.faults.length) continue;
      const {options, columns} = make(el);
      if (!columns[0].length || name !== "faults" && !columns.slice(1).some(some)) {
        el.textContent = "Nothing was measured.";
        continue;
      }
      const u = new uPlot(options, columns, el);
      if (name !== "percentiles") zoomable(u);
      drawn.push(u);
    }
    root.dataset.charts = String(drawn.length);
  }

  // A drag in one chart zooms all of them; a double-click shows the whole run again.
  function zoomable(u) {
    u.root.addEventListener("dblclick", () => zoom(null));
    u.hooks.setSelect = [() => {
      if (u.select.width < 4) return;
      zoom([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
      u.setSelect({left: 0, width: 0}, false);
    }];
  }

  function zoom(range) {
    for (const u of drawn) {
      if (u.cursor.sync?.key !== sync.key) continue;
      u.zoomed = range;
      u.setData(u.data);
    }
  }

  draw();
  // uPlot paints at the end of the current task.
  setTimeout(() => { root.dataset.painted = String(drawn.filter(u => u.ctx.getImageData(0, 0, u.ctx.canvas.width, u.ctx.canvas.height).data.some(v => v)).length); });

  let width = window.innerWidth, resizing;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(resizing);
    resizing = setTimeout(draw, 120);
  });
  prefersDark.addEventListener("change", draw);
  window.addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll("details").forEach(d => { d.dataset.was = d.open ? "open" : ""; d.open = true; });
    document.querySelectorAll(".plot").forEach(p => { p.style.width = "664px"; });
    draw();
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    document.querySelectorAll("details").forEach(d => { d.open = d.dataset.was === "open"; });
    document.querySelectorAll(".plot").forEach(p => { p.style.width = ""; });
    draw();
  });
})();
