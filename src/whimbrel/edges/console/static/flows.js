/* The editor of flows. The document in the text field is the truth: the picture is drawn from it, and every change is
   written back into it, so that without this script nothing is lost but the picture. */
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 190, HEIGHT = 56, GAP_X = 40, GAP_Y = 84;
  const GOTO = ["next", "otherwise", "on_timeout", "on_refused", "on_error"];
  const FIELDS = {
    send: { text: "long", template: "text", language: "text", variables: "json", to: "text", sender: "text", class: ["transactional", "otp", "marketing"], shorten_links: "tick", next: "step", on_refused: "step" },
    wait_for_answer: { timeout_s: "number", from: "text", save_as: "text", next: "step", on_timeout: "step" },
    wait: { for_s: "number", until: "text", minus_s: "number", time_of_day: "text", zone: "text", next: "step" },
    branch: { cases: "cases", otherwise: "step" },
    set: { on: ["run", "contact"], values: "json", next: "step", on_error: "step" },
    tag: { on: ["run", "contact"], add: "list", remove: "list", add_lists: "list", remove_lists: "list", next: "step", on_error: "step" },
    request: { url: "text", method: ["POST", "GET"], headers: "json", body: "json", save_as: "text", timeout_s: "number", next: "step", on_error: "step" },
    conversation: { assign: "person", add_tags: "list", note: "long", next: "step", on_error: "step" },
    stop: { outcome: ["finished", "failed"] },
  };
  const BEGINS = {
    keyword: { keywords: "list", numbers: "list" },
    text: { numbers: "list" },
    message: { outcomes: { many: ["delivered", "undelivered", "failed", "expired", "rejected", "unknown"] }, tag: "text" },
    verification: { outcomes: { many: ["approved", "failed", "expired", "canceled"] } },
    contact_added: {},
    contact_tagged: { tags: "list", lists: "list" },
    link_clicked: { targets: "list", tag: "text" },
    hook: {},
    schedule: {},
    api: {},
  };
  const OF_CONTACT = ["add_lists", "remove_lists", "on_error"];  // members that a step has only on a contact
  const FAILS = ["on_refused", "on_error"];  // without a step there the run fails
  const TRIGGER = "";  // no step has this name
  const FRESH_TRIGGER = { keyword: { keywords: ["HELLO"] }, message: { outcomes: ["delivered"] }, verification: { outcomes: ["approved"] } };
  const FRESH = {
    send: { text: "Hello" }, wait_for_answer: { timeout_s: 3600 }, wait: { for_s: 3600 },
    branch: { cases: [{ when: "answer.word == 'YES'" }] }, set: { values: { done: "`true`" } }, tag: { add: ["done"] },
    request: { url: "https://example.com/" }, conversation: {}, stop: {},
  };

  const editor = document.getElementById("flow-editor");
  const source = document.querySelector("#flow-form textarea[name=document]");
  if (!editor || !source) return;
  const picture = document.getElementById("flow-picture");
  const panel = document.getElementById("flow-panel");
  const kinds = document.getElementById("flow-kind");
  const words = Object.fromEntries(editor.dataset.words.split("|").map((pair) => pair.split(/=(.*)/s)));
  const beginWords = Object.fromEntries(editor.dataset.triggers.split("|").map((pair) => pair.split(/=(.*)/s)));
  const endWords = Object.fromEntries(editor.dataset.ends.split("|").map((pair) => pair.split(/=(.*)/s)));
  const fieldWords = Object.fromEntries(editor.dataset.fields.split("|").map((pair) => pair.split(/=(.*)/s)));
  const people = JSON.parse(editor.dataset.people);
  const fieldWord = (name) => fieldWords[name] ?? name;
  const kindWord = (kind) => [...kinds.options].find((option) => option.value === kind)?.text ?? kind;
  let flow = null;
  let chosen = null;

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const draw = (tag, attributes = {}, text) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
  // By what it measures once it is drawn: capitals are wide.
  const fit = (text) => { const whole = text.textContent; for (let most = whole.length; most > 1 && text.getComputedTextLength() > WIDTH - 24; most--) text.textContent = short(whole, most - 1); };

  const read = () => {
    try {
      const found = JSON.parse(source.value);
      if (!found || typeof found.steps !== "object" || found.steps === null) throw new Error();
      flow = found;
      source.setCustomValidity("");
    } catch {
      source.setCustomValidity(words.wrong);
    }
    return flow !== null;
  };
  const write = () => {
    source.value = JSON.stringify(flow, null, 2);
    source.setCustomValidity("");
    show();
  };

  const ways = (step) => {
    const found = [];
    (Array.isArray(step.cases) ? step.cases : []).forEach((each, place) => found.push([each.when ?? "", each.next, (to) => { step.cases[place].next = to; }]));
    for (const name of GOTO) if (step[name]) found.push([name === "next" ? "" : fieldWord(name), step[name], (to) => { step[name] = to; }]);
    return found;
  };

  const places = () => {
    const rows = [[TRIGGER]], at = new Map([[TRIGGER, [0, 0]]]);
    let layer = flow.steps[flow.start] ? [flow.start] : [];
    while (layer.length) {
      const row = layer.filter((name) => !at.has(name));
      if (!row.length) break;
      row.forEach((name, column) => at.set(name, [column, rows.length]));
      rows.push(row);
      layer = [...new Set(row.flatMap((name) => ways(flow.steps[name]).map(([, to]) => to)))].filter((to) => flow.steps[to] && !at.has(to));
    }
    const left = Object.keys(flow.steps).filter((name) => !at.has(name));
    left.forEach((name, column) => at.set(name, [column, rows.length]));
    return at;
  };

  const trigger = () => (flow.trigger && typeof flow.trigger === "object" ? flow.trigger : (flow.trigger = { type: "api" }));
  const begins = () => [trigger().keywords, trigger().outcomes?.map((each) => endWords[each] ?? each), trigger().tags, trigger().lists, trigger().targets].flatMap((each) => (Array.isArray(each) ? each : [])).join(" · ");
  const leavings = (name) => (name === TRIGGER ? [["", flow.start]] : ways(flow.steps[name]));

  const summary = (step) => step.text ?? step.url ?? step.note ?? step.time_of_day ?? step.until ?? (step.for_s ? `${step.for_s} s` : step.timeout_s ? `${step.timeout_s} s` : Array.isArray(step.cases) ? step.cases.map((each) => each.when).join(" · ") : step.on === "contact" ? fieldWords.on_contact : "");

  const show = () => {
    const focused = document.activeElement?.dataset?.step;
    const at = places();
    const spot = (name) => { const [column, row] = at.get(name); return [20 + column * (WIDTH + GAP_X), 20 + row * (HEIGHT + GAP_Y)]; };
    const columns = Math.max(...[...at.values()].map(([column]) => column), 0) + 1, rows = Math.max(...[...at.values()].map(([, row]) => row), 0) + 1;
    const width = 40 + columns * (WIDTH + GAP_X), height = 40 + rows * (HEIGHT + GAP_Y);
    const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    const marker = draw("marker", { id: "flow-tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
    marker.append(draw("path", { d: "M0 0L8 4L0 8z", class: "tip" }));
    svg.append(marker);
    const arrived = new Map();
    for (const name of at.keys()) {
      const [x, y] = spot(name);
      const leaving = leavings(name).filter(([, to]) => at.has(to));
      leaving.forEach(([word, to], number) => {
        const [toX, toY] = spot(to);
        const fromX = x + WIDTH / 2 + (number - (leaving.length - 1) / 2) * 18, beside = toY === y && to !== name, back = toY <= y && !beside;
        const path = beside
          ? `M${fromX} ${y + HEIGHT}C${fromX} ${y + HEIGHT + 44} ${toX + WIDTH / 2} ${y + HEIGHT + 44} ${toX + WIDTH / 2} ${y + HEIGHT + 2}`
          : back
          ? `M${x + WIDTH} ${y + HEIGHT / 2}C${x + WIDTH + 60} ${y + HEIGHT / 2} ${toX + WIDTH + 60} ${toY + HEIGHT / 2} ${toX + WIDTH + 2} ${toY + HEIGHT / 2}`
          : `M${fromX} ${y + HEIGHT}C${fromX} ${y + HEIGHT + 34} ${toX + WIDTH / 2} ${toY - 34} ${toX + WIDTH / 2} ${toY - 2}`;
        svg.append(draw("path", { d: path, class: "edge", "marker-end": "url(#flow-tip)" }));
        if (!word) return;
        // Where an edge arrives there is room for its word; where it leaves there are the others.
        const before = arrived.get(to) || 0;
        const at = beside ? { x: (fromX + toX + WIDTH / 2) / 2, y: y + HEIGHT + 48, "text-anchor": "middle" } : back ? { x: x + WIDTH + 6, y: y + HEIGHT / 2 - 6 } : { x: toX + WIDTH / 2 + 8, y: toY - 8 - before * 13 };
        if (!back && !beside) arrived.set(to, before + 1);
        svg.append(draw("text", { ...at, class: "edge-word" }, short(word, 21)));
      });
    }
    for (const name of at.keys()) {
      const [x, y] = spot(name), step = flow.steps[name], first = name === TRIGGER;
      const title = first ? words.begins : `${name === flow.start ? "▸ " : ""}${short(name, 22)}`;
      const text = first ? `${beginWords[trigger().type] ?? trigger().type} ${begins()}` : `${kindWord(step.type)} ${summary(step)}`;
      const node = draw("g", { class: first ? "node first" : "node", tabindex: 0, role: "button", "aria-pressed": name === chosen, transform: `translate(${x} ${y})`, "data-step": name });
      node.append(draw("rect", { width: WIDTH, height: HEIGHT, rx: 10 }), draw("text", { x: 12, y: 22 }, title), draw("text", { x: 12, y: 42, class: "soft" }, short(text, 40)));
      node.addEventListener("click", () => choose(name));
      node.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(name); panel.querySelector("input,textarea,select")?.focus(); }
      });
      svg.append(node);
    }
    picture.replaceChildren(svg);
    svg.querySelectorAll(".node text").forEach(fit);
    if (focused !== undefined) picture.querySelector(`[data-step="${CSS.escape(focused)}"]`)?.focus();
  };

  const choose = (name) => { chosen = name; show(); fields(); };

  const change = (step, name, value) => {
    if (value === "" || value === null || value === undefined) delete step[name]; else step[name] = value;
    write();
  };
  const labelled = (word, control) => {
    const field = make("div", { class: "field" });
    control.id = `flow-field-${panel.childElementCount}-${word.replace(/\W/g, "-")}`;
    field.append(make("label", { for: control.id }, word), control);
    return field;
  };
  const choice = (options, now, told) => {
    const select = make("select");
    for (const [value, text] of options) { const option = make("option", { value }, text); option.selected = value === (now ?? ""); select.append(option); }
    select.addEventListener("change", () => told(select.value));
    return select;
  };
  const person = (now, told) => {
    if (!people.length) return typed("text", now, told);
    const gone = now && !people.some(([id]) => id === now) ? [[now, now]] : [];
    return choice([["", words.nobody], ...people, ...gone], now, told);
  };
  const ticked = (word, name, now, told) => {
    const box = make("input", { type: "checkbox", id: `flow-tick-${name}` });
    box.checked = now === true;
    box.addEventListener("change", () => told(box.checked || ""));
    return make("label", { class: "check", for: box.id }, box, ` ${word}`);
  };
  const typed = (kind, now, told) => {
    const control = kind === "long" || kind === "json" ? make("textarea", { rows: 3 }) : make("input", { type: kind === "number" ? "number" : "text" });
    control.value = kind === "json" ? (now === undefined ? "" : JSON.stringify(now)) : kind === "list" ? (now ?? []).join(", ") : now ?? "";
    control.addEventListener("change", () => {
      let value = control.value;
      if (kind === "number") value = value === "" ? "" : Number(value);
      if (kind === "list") value = value === "" ? "" : value.split(",").map((each) => each.trim()).filter(Boolean);
      if (kind === "json" && value !== "") {
        try { value = JSON.parse(value); control.setCustomValidity(""); } catch { control.setCustomValidity(words.wrong); control.reportValidity(); return; }
      }
      told(value);
    });
    return control;
  };
  const several = (word, options, now, told) => {
    const group = make("fieldset", {}, make("legend", {}, word));
    for (const each of options) {
      const box = make("input", { type: "checkbox", id: `flow-end-${each}` });
      box.checked = (now ?? []).includes(each);
      box.addEventListener("change", () => told(options.filter((option) => group.querySelector(`#flow-end-${option}`).checked)));
      group.append(make("label", { class: "check", for: box.id }, box, ` ${endWords[each] ?? each}`));
    }
    return group;
  };
  const steps = (name) => [["", FAILS.includes(name) ? words.fails : words.none], ...Object.keys(flow.steps).map((name) => [name, name])];

  const rename = (from, to) => {
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(to) || flow.steps[to]) return fields();
    for (const step of Object.values(flow.steps)) for (const [, target, set] of ways(step)) if (target === from) set(to);
    flow.steps = Object.fromEntries(Object.entries(flow.steps).map(([name, step]) => [name === from ? to : name, step]));
    if (flow.start === from) flow.start = to;
    chosen = to;
    write();
    fields();
  };
  const remove = (name) => {
    const following = flow.steps[name].next;
    delete flow.steps[name];
    for (const step of Object.values(flow.steps)) for (const [, target, set] of ways(step)) if (target === name) set(following);
    if (flow.start === name) flow.start = following ?? Object.keys(flow.steps)[0] ?? "";
    chosen = null;
    write();
    fields();
  };

  const origin = () => {
    const now = trigger();
    const kinds = choice(Object.keys(BEGINS).map((kind) => [kind, beginWords[kind]]), now.type, (kind) => { flow.trigger = { type: kind, ...structuredClone(FRESH_TRIGGER[kind] ?? {}) }; write(); fields(); });
    panel.append(make("h3", {}, words.begins), labelled(words.type, kinds));
    for (const [name, kind] of Object.entries(BEGINS[now.type] ?? {})) {
      const told = (value) => change(now, name, value);
      panel.append(kind.many ? several(fieldWord(name), kind.many, now[name], told) : labelled(fieldWord(name), typed(kind, now[name], told)));
    }
  };

  const lacks = (step, name) => "on" in FIELDS[step.type] && step.on !== "contact" && OF_CONTACT.includes(name);
  const whose = (step, value) => {
    step.on = value;
    for (const name of OF_CONTACT) if (lacks(step, name)) delete step[name];
    write();
    fields();
  };

  const fields = () => {
    panel.replaceChildren();
    if (chosen === TRIGGER) { origin(); return; }
    const step = flow.steps[chosen];
    if (!step) return;
    panel.append(make("h3", {}, kindWord(step.type)), labelled(words.name, typed("text", chosen, (to) => rename(chosen, to))));
    for (const [name, kind] of Object.entries(FIELDS[step.type] ?? {})) {
      if (kind === "cases") { cases(step); continue; }
      if (lacks(step, name)) continue;
      const told = (value) => (name === "on" ? whose(step, value) : change(step, name, value));
      if (kind === "tick") { panel.append(ticked(fieldWord(name), name, step[name], told)); continue; }
      const control = kind === "step" ? choice(steps(name), step[name], told) : kind === "person" ? person(step[name], told) : Array.isArray(kind) ? choice(kind.map((each) => [each, fieldWords[`${name}_${each}`] ?? each]), step[name] ?? kind[0], told) : typed(kind, step[name], told);
      panel.append(labelled(fieldWord(name), control));
    }
    const first = make("button", { type: "button", class: "button quiet small" }, words.first);
    first.addEventListener("click", () => { flow.start = chosen; write(); });
    const gone = make("button", { type: "button", class: "button danger small" }, words.remove);
    gone.addEventListener("click", () => remove(chosen));
    panel.append(first, gone);
  };
  const cases = (step) => {
    (step.cases ?? []).forEach((each, place) => {
      const group = make("fieldset", {}, make("legend", {}, `${words.case} ${place + 1}`));
      panel.append(group);
      group.append(labelled(`${words.when} ${place + 1}`, typed("text", each.when, (value) => { if (value) { each.when = value; } else { step.cases.splice(place, 1); } write(); fields(); })));
      group.append(labelled(`${fieldWord("next")} ${place + 1}`, choice(steps(), each.next, (value) => change(each, "next", value))));
    });
    const more = make("button", { type: "button", class: "button quiet small" }, words.add_case);
    more.addEventListener("click", () => { step.cases = [...(step.cases ?? []), { when: "answer.word == 'NO'" }]; write(); fields(); });
    panel.append(more);
  };

  document.getElementById("flow-add").addEventListener("click", () => {
    const kind = kinds.value;
    let name = kind, number = 2;
    while (flow.steps[name]) name = `${kind}_${number++}`;
    const made = { type: kind, ...structuredClone(FRESH[kind]) };
    const before = flow.steps[chosen];
    if (before && "next" in (FIELDS[before.type] ?? {})) {
      if (before.next && "next" in FIELDS[kind]) made.next = before.next;
      before.next = name;
    }
    flow.steps[name] = made;
    if (!flow.steps[flow.start]) flow.start = name;
    chosen = name;
    write();
    fields();
  });
  source.addEventListener("input", () => { if (read()) { show(); fields(); } });

  if (read()) {
    editor.hidden = false;
    document.getElementById("flow-json").open = document.getElementById("flow-wrong") !== null;
    show();
  }
})();
