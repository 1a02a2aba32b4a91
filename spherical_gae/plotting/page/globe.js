"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [X, Y, Z] = data.points;
  const count = X.length;
  const plot = document.getElementById("globe");
  const byId = (id) => document.getElementById(id);
  const PALETTE = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#d4a017", "#9d755d", "#ff9da6", "#5f6b76"];
  const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
  const FADED = "#dfe3e8", PLAIN = "#4c78a8", MISSING = "#b8c0c8", SUGGESTED = "#d9480f", LINK = "#52606d";
  const SIZE = count <= 150 ? 9 : count <= 1000 ? 6 : count <= 5000 ? 4 : 2.5;
  const LISTED = 8;
  // Traces, in the order in which they are drawn.
  const LINKS = 2, OWN_LINKS = 3, SUGGESTIONS = 4, NODES = 5, NEAREST = 6, SELECTED = 7, NAMES = 8;
  let hidden = new Set(), distance = 1.32;

  // ---- text: plotly reads a few tags and entities in its own; the page's own text is never read as HTML

  const forPlotly = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  // In the picture it reads tags, but no entities: nothing that is seen keeps "<" from beginning one.
  const forPicture = (text) => text.replace(/</g, "<\u200b");
  const shorten = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  const number = (value) => (value === null ? "unknown"
    : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(3))));

  function factsOf(row) {
    const facts = data.colors.map((color) => [color.name, valueOf(color, row)]);
    if (data.shown) facts.push(["shown here", Math.round(100 * data.shown[row]) + "%"]);
    return facts;
  }

  function valueOf(color, row) {
    const value = color.values[row];
    return color.categories ? (value < 0 ? "unknown" : color.categories[value]) : number(value);
  }

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  // ---- geometry

  // Points of the great circle's shorter arc from node a to node b, a little above the globe, and a gap.
  function arc(a, b, into) {
    const dot = Math.max(-1, Math.min(1, X[a] * X[b] + Y[a] * Y[b] + Z[a] * Z[b]));
    const angle = Math.acos(dot), steps = Math.max(1, Math.ceil(angle / 0.09));
    let end = [X[b] - dot * X[a], Y[b] - dot * Y[a], Z[b] - dot * Z[a]];
    let length = Math.hypot(...end);
    if (length < 1e-6 && dot < 0) {  // opposite points: all great circles are as short
      const other = Math.abs(X[a]) < 0.9 ? [1, 0, 0] : [0, 1, 0];
      const along = other[0] * X[a] + other[1] * Y[a] + other[2] * Z[a];
      end = [other[0] - along * X[a], other[1] - along * Y[a], other[2] - along * Z[a]];
      length = Math.hypot(...end);
    }
    const scale = length > 0 ? 1 / length : 0;
    for (let step = 0; step <= steps; step++) {
      const turn = (angle * step) / steps, c = Math.cos(turn), s = Math.sin(turn) * scale;
      into.x.push(c * X[a] + s * end[0]);
      into.y.push(c * Y[a] + s * end[1]);
      into.z.push(c * Z[a] + s * end[2]);
    }
    into.x.push(null); into.y.push(null); into.z.push(null);
  }

  function arcs(pairs) {
    const into = { x: [], y: [], z: [] };
    for (const [a, b] of pairs) arc(a, b, into);
    return into;
  }

  // The globe itself, of flat colour: a lit surface takes a processor that draws in place of a GPU seconds a picture.
  function ball(radius, rows, columns) {
    const x = [], y = [], z = [], i = [], j = [], k = [];
    for (let row = 0; row <= rows; row++) {
      const latitude = Math.PI * (row / rows - 0.5);
      for (let column = 0; column < columns; column++) {
        const longitude = (2 * Math.PI * column) / columns;
        x.push(radius * Math.cos(latitude) * Math.cos(longitude));
        y.push(radius * Math.cos(latitude) * Math.sin(longitude));
        z.push(radius * Math.sin(latitude));
        if (row === rows) continue;
        const here = row * columns + column, beside = row * columns + ((column + 1) % columns);
        i.push(here, beside); j.push(beside, beside + columns); k.push(here + columns, here + columns);
      }
    }
    return { x, y, z, i, j, k };
  }

  function graticule() {
    const into = { x: [], y: [], z: [] }, radius = 0.96;
    const push = (latitude, longitude) => {
      into.x.push(radius * Math.cos(latitude) * Math.cos(longitude));
      into.y.push(radius * Math.cos(latitude) * Math.sin(longitude));
      into.z.push(radius * Math.sin(latitude));
    };
    const gap = () => { into.x.push(null); into.y.push(null); into.z.push(null); };
    for (let latitude = -60; latitude <= 60; latitude += 30, gap())
      for (let i = 0; i <= 90; i++) push((latitude * Math.PI) / 180, (i * Math.PI) / 45);
    for (let longitude = 0; longitude < 360; longitude += 30, gap())
      for (let i = 0; i <= 60; i++) push(Math.PI * (i / 60 - 0.5), (longitude * Math.PI) / 180);
    return into;
  }

  // ---- links: partners of each node

  const partners = data.links ? Array.from({ length: count }, () => []) : null;
  if (partners) data.links[0].forEach((a, i) => {
    const b = data.links[1][i];
    partners[a].push(b);
    if (a !== b) partners[b].push(a);
  });
  const allPairs = () => data.links[0].map((a, i) => [a, data.links[1][i]]);

  // ---- colours

  const categoryColor = (index) => (index < 0 ? MISSING
    : index < PALETTE.length ? PALETTE[index] : `hsl(${Math.round(index * 137.508) % 360},55%,${45 + 12 * (index % 3)}%)`);

  function scaled(color) {
    const place = color.log ? (value) => Math.log1p(value) : (value) => value;
    const known = color.values.filter((value) => value !== null);
    let low = Infinity, high = -Infinity;
    for (const value of known) { low = Math.min(low, value); high = Math.max(high, value); }
    const width = place(high) - place(low) || 1;
    const share = (value) => (place(value) - place(low)) / width;
    const middle = color.log ? Math.expm1((Math.log1p(low) + Math.log1p(high)) / 2) : (low + high) / 2;
    return { low, high, middle, share, known: known.length };
  }

  function mix(share) {
    const at = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1), i = Math.min(Math.floor(at), VIRIDIS.length - 2);
    const [from, to] = [VIRIDIS[i], VIRIDIS[i + 1]].map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
    return `rgb(${from.map((value, k) => Math.round(value + (at - i) * (to[k] - value))).join(",")})`;
  }

  function nodeColors(color) {
    if (!color) return PLAIN;
    if (color.categories) return color.values.map((value) => (hidden.has(value) ? FADED : categoryColor(value)));
    const { share } = scaled(color);
    return color.values.map((value) => (value === null ? MISSING : mix(share(value))));
  }

  function drawLegend(color) {
    const legend = byId("legend");
    legend.replaceChildren();
    if (!color) return;
    if (!color.categories) {
      const { low, high, middle, known } = scaled(color);
      if (!known) { legend.append(element("div", "No node has a value.", "empty")); return; }
      const scale = element("div", undefined, "scale"), ticks = element("div", undefined, "ticks");
      scale.style.background = `linear-gradient(to right, ${VIRIDIS.join(",")})`;
      for (const value of [low, middle, high]) ticks.append(element("span", number(Number(value.toPrecision(3)))));
      legend.append(scale, ticks);
      return;
    }
    const sizes = new Map();
    for (const value of color.values) sizes.set(value, (sizes.get(value) || 0) + 1);
    const shown = [...sizes.keys()].sort((a, b) => (a < 0) - (b < 0) || a - b);
    for (const value of shown) {
      const entry = element("button"), dot = element("i");
      entry.type = "button";
      entry.title = "Click to fade or to show";
      entry.className = hidden.has(value) ? "off" : "";
      dot.style.background = categoryColor(value);
      entry.append(dot, element("span", value < 0 ? "unknown" : color.categories[value]), element("small", number(sizes.get(value))));
      entry.onclick = () => {
        if (hidden.has(value)) hidden.delete(value); else hidden.add(value);
        recolor();
      };
      legend.append(entry);
    }
  }

  const currentColor = () => data.colors[Number(byId("color").value)];

  function recolor() {
    drawLegend(currentColor());
    return Plotly.restyle(plot, { "marker.color": [nodeColors(currentColor())] }, [NODES]);
  }

  // ---- selection

  function fill(list, rows, values, linked) {
    list.replaceChildren();
    rows.forEach((row, i) => {
      if (row < 0) return;
      const entry = element("button");
      entry.type = "button";
      const isLinked = linked && linked.has(row);
      entry.append(element("span", data.names[row]), element("span", (isLinked ? "linked  " : "") + values[i].toFixed(2)));
      entry.title = data.names[row];
      entry.onclick = () => select(row, true);
      list.append(entry);
    });
    if (!list.children.length) list.append(element("div", "none", "empty"));
  }

  function select(row, turn) {
    const nearest = row === null ? [] : data.nearest.indices[row].filter((other) => other >= 0);
    const suggested = row === null || !data.suggested ? [] : data.suggested.indices[row].filter((other) => other >= 0);
    byId("selection").hidden = row === null;
    if (row !== null) {
      byId("selected").textContent = data.names[row];
      const facts = byId("facts");
      facts.replaceChildren();
      for (const [name, value] of factsOf(row)) facts.append(element("dt", name), element("dd", value));
      fill(byId("nearest"), data.nearest.indices[row], data.nearest.scores[row], partners && new Set(partners[row]));
      byId("suggested-part").hidden = !data.suggested;
      if (data.suggested) fill(byId("suggested"), data.suggested.indices[row], data.suggested.scores[row]);
    }
    const own = row === null || !partners ? [] : partners[row];
    const links = arcs(own.map((other) => [row, other])), likely = arcs(suggested.map((other) => [row, other]));
    const rings = [nearest, row === null ? [] : [row]];
    const all = (name, values) => [links[name], likely[name], ...rings.map((rows) => rows.map((i) => values[i]))];
    // All at once, so that the globe is drawn once.
    const changed = { x: all("x", X), y: all("y", Y), z: all("z", Z), customdata: [null, null, ...rings],
      hovertext: [null, null, ...rings.map((rows) => rows.map(hoverText))] };
    const layout = turn ? { "scene.camera": cameraAbove(X[row], Y[row], Z[row]) } : {};
    return Plotly.update(plot, changed, layout, [OWN_LINKS, SUGGESTIONS, NEAREST, SELECTED]);
  }

  // The camera above a direction of the globe.
  function cameraAbove(x, y, z) {
    const up = Math.hypot(x, y) > 0.2 ? { x: 0, y: 0, z: 1 } : { x: 1, y: 0, z: 0 };
    return { eye: { x: distance * x, y: distance * y, z: distance * z }, up, center: { x: 0, y: 0, z: 0 } };
  }

  // At first: above the middle of the nodes, if they have one, seen a little from the side.
  function firstCamera() {
    const mean = [X, Y, Z].map((values) => values.reduce((sum, value) => sum + value, 0) / count);
    const length = Math.hypot(...mean);
    const from = length > 0.1 ? mean.map((value) => value / length) : [0.72, 0.56, 0.41];
    from[2] += 0.25;
    const scale = Math.hypot(...from);
    return cameraAbove(...from.map((value) => value / scale));
  }

  // ---- search

  function found(query) {
    const wanted = query.toLowerCase(), ranks = [[], [], []];
    for (let row = 0; row < count; row++) {
      const name = data.names[row].toLowerCase(), at = name.indexOf(wanted);
      if (at >= 0) ranks[name === wanted ? 0 : at === 0 ? 1 : 2].push(row);
    }
    return ranks.flat();
  }

  function showMatches(take) {
    const query = byId("search").value.trim(), list = byId("matches");
    list.replaceChildren();
    if (!query) return;
    const rows = found(query);
    if (take && rows.length) { select(rows[0], true); return; }
    for (const row of rows.slice(0, LISTED)) {
      const entry = element("button");
      entry.type = "button";
      entry.append(element("span", data.names[row]));
      entry.onclick = () => { list.replaceChildren(); select(row, true); };
      list.append(entry);
    }
    if (!rows.length) list.append(element("div", "No node on this page has such an id.", "empty"));
    if (rows.length > LISTED) list.append(element("div", `and ${number(rows.length - LISTED)} more`, "empty"));
  }

  // ---- the plot

  const hoverText = (row) => [`<b>${forPlotly(shorten(data.names[row], 60))}</b>`,
    ...factsOf(row).map(([name, value]) => `${forPlotly(name)}: ${forPlotly(shorten(value, 60))}`)].join("<br>");

  const line = (coordinates, color, width, more) => ({
    type: "scatter3d", mode: "lines", hoverinfo: "skip", line: { color, width }, connectgaps: false, ...coordinates, ...more });

  const ring = (size, color) => ({
    type: "scatter3d", mode: "markers", x: [], y: [], z: [], customdata: [], hovertext: [], hoverinfo: "text",
    marker: { symbol: "circle-open", size, color, opacity: 1, line: { width: 2 } } });

  function traces() {
    const rows = Array.from({ length: count }, (_, row) => row), empty = { x: [], y: [], z: [] };
    const many = data.links && data.links[0].length;
    // Names float above their nodes, where the globe does not cut them off.
    const named = count <= data.most_names ? rows : [], lift = 1.09;
    return [
      { type: "mesh3d", ...ball(0.955, 32, 64), color: "#f6f8fa", hoverinfo: "skip",
        lighting: { ambient: 1, diffuse: 0, specular: 0, fresnel: 0 } },
      line(graticule(), "#d5dbe1", 1),
      line(byId("links").checked ? arcs(allPairs()) : empty, many > 500 ? "rgba(82,96,109,0.35)" : "rgba(82,96,109,0.6)", many > 500 ? 1 : 2,
        { visible: byId("links").checked }),
      line(empty, LINK, 3),
      line(empty, SUGGESTED, 4),
      { type: "scatter3d", mode: "markers", x: X, y: Y, z: Z, customdata: rows, hovertext: rows.map(hoverText), hoverinfo: "text",
        marker: { size: SIZE, color: nodeColors(currentColor()), line: { width: 0 }, opacity: 1 } },
      ring(SIZE + 5, "#1f2933"),
      ring(SIZE + 9, "#0b6bcb"),
      { type: "scatter3d", mode: "text", x: named.map((row) => lift * X[row]), y: named.map((row) => lift * Y[row]), z: named.map((row) => lift * Z[row]),
        text: named.map((row) => forPicture(shorten(data.names[row], 24))), textfont: { size: 12, color: "#1f2933" },
        // A name may cover its node, and stands for it then.
        customdata: named, hovertext: named.map(hoverText), hoverinfo: "text",
        visible: byId("names").checked },
    ];
  }

  const axis = { visible: false, range: [-1.13, 1.13], showspikes: false };
  const layout = {
    margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "#ffffff", uirevision: "kept",
    hoverlabel: { bgcolor: "#ffffff", bordercolor: "#c3cad2", align: "left", font: { size: 13, color: "#1f2933", family: "system-ui, sans-serif" } },
    scene: { xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube", dragmode: "orbit", hovermode: "closest", uirevision: "kept",
      camera: firstCamera() },
  };

  function start() {
    byId("summary").textContent = data.summary;
    byId("projection").textContent = data.projection;
    byId("note").textContent = data.note;
    byId("note").hidden = !data.note;
    data.colors.forEach((color, i) => byId("color").append(new Option(color.name, String(i))));
    byId("color").append(new Option("nothing", "-1"));
    byId("links-switch").hidden = !data.links;
    byId("links").checked = Boolean(data.links) && data.links[0].length <= data.most_links;
    byId("names-switch").hidden = count > data.most_names;
    byId("names").checked = count <= data.most_names / 5;
    drawLegend(currentColor());

    byId("color").onchange = () => { hidden = new Set(); recolor(); };
    byId("search").oninput = () => showMatches(false);
    byId("search").onkeydown = (event) => { if (event.key === "Enter") showMatches(true); };
    byId("clear").onclick = () => select(null, false);
    byId("names").onchange = (event) => Plotly.restyle(plot, { visible: event.target.checked }, [NAMES]);
    byId("links").onchange = (event) => {
      const drawn = event.target.checked ? arcs(allPairs()) : { x: [], y: [], z: [] };
      Plotly.restyle(plot, { x: [drawn.x], y: [drawn.y], z: [drawn.z], visible: event.target.checked }, [LINKS]);
    };
    const buttons = [["toImage", "resetCameraDefault3d"]];
    return Plotly.newPlot(plot, traces(), layout, { responsive: true, displaylogo: false, modeBarButtons: buttons }).then(() => {
      let hovered = null, pressed = null;
      plot.on("plotly_hover", (event) => {
        const row = event.points[0].customdata;
        hovered = Number.isInteger(row) ? row : null;
      });
      plot.on("plotly_unhover", () => { hovered = null; });
      // Not plotly's own click, which is lost if it is over before the next frame.
      plot.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
      plot.addEventListener("pointerup", (event) => {
        const moved = pressed ? Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) : Infinity;
        if (hovered !== null && moved < 5) select(hovered, false);
      }, true);
      plot.on("plotly_relayout", () => {
        const eye = plot.layout.scene.camera.eye;
        distance = Math.hypot(eye.x, eye.y, eye.z);
      });
      document.body.dataset.ready = "yes";
    });
  }

  start();
})();
