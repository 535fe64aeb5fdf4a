
"use strict";
// Without this script the page shows the same pictures; it enlarges, sorts, filters and pages them.
(() => {
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const told = (item, name) =>
    [item, ...item.querySelectorAll(`[data-${name}]`)].map((e) => e.dataset[name]).filter((v) => v !== undefined);

  // --- enlarge -----------------------------------------------------------------------------
  const stage = make("div", { className: "stage" });
  const caption = make("div", { className: "legend" });
  const count = make("span", { className: "soft" });
  const file = make("a", { textContent: "Open the file" });
  const button = (text, label, act) => {
    const made = make("button", { type: "button", textContent: text, title: label });
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const dialog = make(
    "dialog", { className: "enlarged" },
    make("div", { className: "bar" }, count, file,
      button("‹", "Previous picture", () => step(-1)),
      button("›", "Next picture", () => step(1)),
      button("×", "Close", () => dialog.close())),
    stage, caption);
  dialog.setAttribute("aria-label", "Enlarged picture");
  document.body.append(dialog);
  let frames = [], at = 0;

  const show = (number) => {
    at = (number + frames.length) % frames.length;
    const frame = frames[at];
    const view = frame.querySelector(".view").cloneNode(true);
    const ratio = view.style.aspectRatio.split("/").map(Number).reduce((w, h) => w / h);
    view.style.width = `min(94vw, ${ratio} * (100vh - 11rem))`;
    const image = view.querySelector("img");
    image.loading = "eager";
    if (frame.hasAttribute("data-original") && location.protocol === "file:") {
      const original = new Image();
      original.addEventListener("load", () => { image.src = original.src; });
      original.src = frame.href;
    }
    const words = frame.closest(".tile").querySelector("figcaption").cloneNode(true);
    const badge = frame.querySelector(".badge");
    caption.replaceChildren(...(badge ? [badge.cloneNode(true)] : []), ...words.childNodes);
    const both = frame.closest(".pair");
    const note = both && both.querySelector(":scope > .note");
    if (note) caption.append(note.cloneNode(true));
    stage.replaceChildren(view);
    count.textContent = `${at + 1} of ${frames.length}`;
    file.hidden = !frame.href;
    if (frame.href) file.href = frame.href;
  };
  const step = (by) => show(at + by);
  const enlarge = (frame) => {
    const around = frame.closest(".group, .gallery") || frame.parentNode;
    frames = [...around.querySelectorAll("a.frame")].filter((one) => one.offsetParent !== null);
    show(frames.indexOf(frame));
    dialog.showModal();
  };
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === stage) dialog.close();
  });
  for (const frame of document.querySelectorAll("a.frame")) {
    frame.tabIndex = 0;
    frame.setAttribute("role", "button");
    frame.setAttribute("aria-haspopup", "dialog");
  }
  document.addEventListener("click", (event) => {
    const frame = event.target.closest("a.frame");
    if (!frame || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    enlarge(frame);
  });
  document.addEventListener("keydown", (event) => {
    const frame = event.target.closest("a.frame");
    if (!frame || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    enlarge(frame);
  });

  // --- move a threshold, before paging takes pictures off the page ---------------------------
  for (const form of document.querySelectorAll("form.threshold")) {
    const slider = form.querySelector("input"), said = form.querySelector("output");
    const tiles = [...document.querySelectorAll(".tile[data-score]")];
    const scores = tiles.map((tile) => Number(tile.dataset.score));
    const nominal = form.dataset.nominal.split(" ").filter(Boolean).map(Number);
    const start = Number(form.dataset.value);
    const ends = [...scores, ...nominal, start];
    slider.min = Math.min(...ends);
    slider.max = Math.max(...ends);
    slider.value = start;
    const move = (threshold) => {
      tiles.forEach((tile, number) => {
        const above = scores[number] > threshold;
        tile.classList.toggle("passed", !above);
        const badge = tile.querySelector(".badge");
        if (badge) badge.className = `badge ${above ? "warn" : "plain"}`;
      });
      const found = scores.filter((score) => score > threshold).length;
      // the new picture counts as one of the nominal ones: what can be promised of the threshold
      const rate = (nominal.filter((score) => score > threshold).length + 1) / (nominal.length + 1);
      said.textContent = `${threshold.toFixed(2)}: ${found} of ${scores.length} pictures are above it` +
        (nominal.length ? `; of nominal ones at most ${Number((100 * rate).toPrecision(2))} % are` : "");
    };
    slider.addEventListener("input", () => move(Number(slider.value)));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    move(start);
  }

  // --- sort, filter, page ------------------------------------------------------------------
  for (const board of document.querySelectorAll(".board")) {
    const [home, ...others] = board.querySelectorAll(".gallery, .groups");
    for (const other of others) home.append(...other.children);
    for (const rest of board.querySelectorAll(".rest")) rest.remove();
    const items = [...home.children];
    const size = Number(board.dataset.page);
    let limit = size;
    const tools = make("form", { className: "tools" });
    const said = make("output");
    const more = make("div", { className: "more-of" });

    const choice = (title, options) => {
      const list = make("select", {}, ...options.map(([value, text]) => make("option", { value, textContent: text })));
      list.addEventListener("change", () => { limit = size; arrange(); });
      tools.append(make("label", {}, title, list));
      return list;
    };
    const kinds = (name) => [...new Set(items.flatMap((item) => told(item, name)))].sort();
    const score = (item) => Number(told(item, "score")[0]);
    const name = (item) => told(item, "path")[0] || "";
    const scored = items.some((item) => told(item, "score").length);
    const orders = [["", "as listed"]];
    if (scored) orders.push(["high", `${board.dataset.measure}, high to low`], ["low", `${board.dataset.measure}, low to high`]);
    orders.push(["name", "name"]);
    const sort = items.length > 1 ? choice("Sort", orders) : null;
    const filters = ["label", "split"].flatMap((kind) => {
      const values = kinds(kind);
      return values.length > 1 ? [[kind, choice(kind[0].toUpperCase() + kind.slice(1), [["", "all"], ...values.map((v) => ["=" + v, v])])]] : [];
    });
    const search = make("input", { type: "search", placeholder: "name contains" });
    search.setAttribute("aria-label", "Name contains");
    search.addEventListener("input", () => { limit = size; arrange(); });
    tools.addEventListener("submit", (event) => event.preventDefault());

    const arrange = () => {
      const words = search.value.toLowerCase();
      let kept = items.filter((item) =>
        filters.every(([kind, list]) => !list.value || told(item, kind).includes(list.value.slice(1))) &&
        (!words || told(item, "path").some((path) => path.toLowerCase().includes(words))));
      const order = sort ? sort.value : "";
      // a picture without a score comes last either way
      const number = (item, missing) => { const found = score(item); return Number.isNaN(found) ? missing : found; };
      if (order === "high") kept = kept.toSorted((a, b) => number(b, -Infinity) - number(a, -Infinity));
      if (order === "low") kept = kept.toSorted((a, b) => number(a, Infinity) - number(b, Infinity));
      if (order === "name") kept = kept.toSorted((a, b) => name(a).localeCompare(name(b), undefined, { numeric: true }));
      home.replaceChildren(...kept.slice(0, limit));
      said.textContent = kept.length === items.length ? "" : `${kept.length.toLocaleString("en")} of ${items.length.toLocaleString("en")}`;
      const left = kept.length - Math.min(limit, kept.length);
      more.replaceChildren(...(left ? [
        button(`Show ${Math.min(size, left)} more`, `Show ${Math.min(size, left)} more`, () => { limit += size; arrange(); }),
        button(`Show all ${kept.length.toLocaleString("en")}`, "Show all", () => { limit = kept.length; arrange(); }),
      ] : []));
    };
    if (items.length > 4) {
      tools.append(search, said);
      board.prepend(tools);
    }
    board.append(more);
    arrange();
    window.addEventListener("beforeprint", () => { limit = items.length; arrange(); });
  }
})();
