/* The price chart one can point at: drawn over the server's, of the figures in the page. Without this script, and on paper, the
   server's drawing stands. Colours are the tokens'; figures stay the text that came, numbers are only for places. */
(() => {
  "use strict";

  const block = document.getElementById("price-chart-block");
  const figure = document.getElementById("price-chart");
  if (!block || !figure || !window.echarts) return;
  const told = JSON.parse(block.textContent);
  const { words, points, months } = told;
  const stage = document.createElement("div");
  stage.className = "chart__stage no-print";
  stage.setAttribute("role", "img");
  stage.setAttribute("aria-label", words.chart);

  const known = points.map((point, index) => ({ point, index })).filter((item) => item.point);
  const scale = known.flatMap(({ point }) => [point.base, point.lower, point.upper]).filter(Boolean).map(Number);
  const [least, most] = [Math.min(...scale) / 2, Math.max(...scale) * 2];
  const seen = told.seen.filter((one) => Number(one[1]) >= least && Number(one[1]) <= most);

  const runs = [];
  points.forEach((point, index) => {
    if (!point || !point.lower || !point.upper) return;
    const run = runs[runs.length - 1];
    if (run && run[run.length - 1] === index - 1) run.push(index);
    else runs.push([index]);
  });

  const lines = (title, pairs) => {
    const box = document.createElement("div");
    const head = document.createElement("b");
    head.textContent = title;
    box.append(head);
    for (const [name, value] of pairs) {
      const line = document.createElement("div");
      line.textContent = `${name} ${value}`;
      box.append(line);
    }
    return box;
  };

  const monthTip = (index) => {
    const point = points[index];
    if (!point) return lines(months[index], [[words.base, words.none]]);
    return lines(months[index], [
      [words.base, `${point.base} ${told.unit}`],
      [words.band, `${point.lower}–${point.upper}（±${point.phi}）`],
      [words.quartiles, point.quartiles],
      [words.suppliers, point.suppliers],
      [words.grade, point.grade],
    ]);
  };

  const seenTip = ([, price, kind, when, count]) =>
    lines(when, [[words[kind], `${Number(price).toFixed(2)} ${told.unit}${count > 1 ? ` × ${count}` : ""}`]]);

  const options = () => {
    const tokens = getComputedStyle(document.documentElement);
    const colour = (name) => tokens.getPropertyValue(name).trim();
    const text = { color: colour("--muted"), fontFamily: getComputedStyle(figure).fontFamily, fontSize: 12 };
    const every = Math.ceil(months.length / Math.max(2, Math.floor(stage.clientWidth / 72)));
    const ticks = months.map((_, index) => index).filter((index) => index % every === 0);
    const long = months.length > 24;
    const dots = (kind, symbol, size, style) => ({
      type: "scatter",
      name: words[kind],
      symbol,
      symbolSize: size,
      itemStyle: style,
      z: 3,
      data: seen.filter((one) => one[2] === kind).map((one) => ({ value: [Number(one[0]), Number(one[1])], told: one })),
    });
    return {
      animation: false,
      textStyle: text,
      grid: { left: 8, right: 12, top: 30, bottom: long ? 56 : 8, containLabel: true },
      tooltip: {
        trigger: "item",
        confine: true,
        transitionDuration: 0,
        className: "chart__tip",
        backgroundColor: colour("--surface"),
        borderColor: colour("--line-strong"),
        textStyle: { color: colour("--ink"), fontSize: 14, fontFamily: text.fontFamily },
        formatter: ({ data }) => (data.told ? seenTip(data.told) : monthTip(data.month)),
      },
      dataZoom: long
        ? [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }, { type: "slider", height: 24, bottom: 8, brushSelect: false, showDetail: false, borderColor: colour("--line"), fillerColor: colour("--accent-soft"), handleStyle: { borderColor: colour("--accent") }, moveHandleStyle: { color: colour("--line-strong") }, dataBackground: { lineStyle: { color: colour("--line-strong") }, areaStyle: { color: colour("--sunken") } } }]
        : [],
      xAxis: {
        type: "value",
        min: 0,
        max: months.length,
        axisLine: { lineStyle: { color: colour("--line-strong") } },
        axisTick: { customValues: ticks, lineStyle: { color: colour("--line-strong") } },
        splitLine: { show: false },
        axisLabel: { ...text, customValues: ticks.map((index) => index + 0.5), formatter: (value) => months[Math.floor(value)] || "", hideOverlap: true },
      },
      yAxis: {
        type: "value",
        scale: true,
        name: words.axis,
        nameTextStyle: { ...text, align: "left" },
        nameGap: 12,
        axisLabel: text,
        splitLine: { lineStyle: { color: colour("--line") } },
      },
      series: [
        {
          type: "custom",
          z: 1,
          data: months.map((_, index) => ({ value: [index + 0.5, null], month: index })),
          encode: { x: 0, y: -1 },
          renderItem: (view, api) => {
            const at = view.coordSys;
            const [left] = api.coord([view.dataIndex, 0]);
            const [right] = api.coord([view.dataIndex + 1, 0]);
            return {
              type: "rect",
              shape: { x: left, y: at.y, width: right - left, height: at.height },
              style: { fill: "transparent" },
              emphasis: { style: { fill: colour("--sunken"), opacity: 0.6 } },
            };
          },
        },
        {
          type: "custom",
          z: 2,
          silent: true,
          clip: true,
          data: runs.map((run) => ({ value: [run[0], Number(points[run[0]].base)] })),
          renderItem: (view, api) => {
            const run = runs[view.dataIndex];
            const along = (name) => run.map((index) => api.coord([index + 0.5, Number(points[index][name])]));
            return {
              type: "polygon",
              shape: { points: [...along("upper"), ...along("lower").reverse()] },
              style: { fill: colour("--accent-soft"), opacity: 0.75 },
            };
          },
        },
        dots("quote", "circle", 6, { color: "transparent", borderColor: colour("--muted"), borderWidth: 1 }),
        dots("transaction", "rect", 6, { color: colour("--ink") }),
        {
          type: "line",
          name: words.base,
          z: 4,
          symbol: "circle",
          symbolSize: months.length > 60 ? 4 : 8,
          showAllSymbol: true,
          connectNulls: false,
          lineStyle: { color: colour("--accent"), width: 2 },
          data: points.map((point, index) => ({
            value: [index + 0.5, point ? Number(point.base) : null],
            month: index,
            itemStyle: point && point.weak ? { color: colour("--surface"), borderColor: colour("--accent"), borderWidth: 2 } : { color: colour("--accent") },
          })),
        },
      ],
    };
  };

  const drawn = figure.querySelector(".chart__svg");
  drawn.before(stage);
  const chart = window.echarts.init(stage, null, { renderer: "canvas" });
  const draw = () => chart.setOption(options(), true);
  draw();
  new ResizeObserver(() => {
    chart.resize();
    draw();
  }).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
