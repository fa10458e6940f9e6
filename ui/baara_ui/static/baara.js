// What the pages do in the browser: clicks, forms and keys become things to do, by name; the rest is done by the server.
(() => {
  "use strict";

  const TYPED_MS = 200; // so long nothing is sent while somebody types
  const FOLLOW_MS = 3000; // so long the server may take to follow somebody who moves in the list
  const SAID_MS = 8000; // so long a sentence and its undo stand
  const $ = (what, within = document) => within.querySelector(what);
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const isTyping = (at) => at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && !/^(checkbox|button)$/.test(at.type));

  const send = (name, fields = {}) => window.emitEvent?.("do", { do: name, ...fields });
  const data = (element) => Object.fromEntries(Object.entries(element.dataset).filter(([name]) => name !== "do" && name !== "key"));

  // ---- what is done by name

  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-do],[data-open],[data-toggle],[data-hush],[data-theme-switch],[data-href],[data-copy]");
    if (!at || at.matches("form")) return;
    if (at.dataset.open) return $("#" + at.dataset.open)?.showModal();
    if (at.dataset.toggle) return document.body.classList.toggle(at.dataset.toggle);
    if ("hush" in at.dataset) return hush();
    if ("themeSwitch" in at.dataset) return switchTheme();
    if (at.dataset.href) return askToLeave(at);
    if (at.dataset.copy !== undefined) return navigator.clipboard?.writeText($(at.dataset.copy)?.textContent ?? "");
    if (at.tagName === "A") {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
    }
    if (at.type === "submit") return;
    send(at.dataset.do, data(at));
    if (at.dataset.do === "open") {
      go(at.dataset.id);
      document.body.classList.add("reading");
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.do) return;
    if (form.method !== "dialog") event.preventDefault();
    const fields = Object.fromEntries([...new FormData(form, event.submitter)].filter(([, value]) => typeof value === "string"));
    for (const box of all("input[type=checkbox]", form)) if (box.name && !box.checked) fields[box.name] = "";
    if (form.method === "dialog" && event.submitter && !event.submitter.name) return;
    send(form.dataset.do, { ...data(form), ...fields });
    if ("clear" in form.dataset) form.reset();
  });

  let typed;
  document.addEventListener("input", (event) => {
    const at = event.target;
    if (at.matches("[data-commands]")) return listCommands(at.value);
    if (!at.dataset?.typed) return;
    clearTimeout(typed);
    typed = setTimeout(() => {
      const form = at.closest("form");
      const fields = form ? Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string")) : { [at.name]: at.value };
      send(at.dataset.typed, fields);
    }, TYPED_MS);
  });
  document.addEventListener("change", (event) => {
    const at = event.target;
    if (at.matches("input[type=checkbox][data-tick]")) send("tick", { id: at.dataset.tick, on: at.checked ? "1" : "" });
  });

  // ---- keys

  const KEYS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    Enter: openHere, o: openHere, u: back, Escape: back,
    e: () => act("settle"), "#": () => act("archive"), h: snooze, b: snooze, s: () => act("pin"), r: reply,
    x: () => act("tick-here"), I: () => act("read"), U: () => act("unread"), z: () => send("undo"),
    "/": () => $("[data-search]")?.focus(), c: () => ($("[data-key=c]") ?? {}).click?.(), "?": () => $("#keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return openCommands();
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest?.("form") ?? $("form[data-main]");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.target.matches?.("[data-commands]")) return commandKey(event);
    if (event.target.matches?.("[data-href]") && event.key === "Enter") return askToLeave(event.target);
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (/^(Enter| )$/.test(event.key) && event.target.closest?.("button,a[href],summary,[role=button]")) return;
    const todo = KEYS[event.key];
    if (!todo || (/^Arrow/.test(event.key) && !$(".list"))) return;
    event.preventDefault();
    todo();
  });

  const rows = () => all(".list .row");
  const here = () => $(".list .row.here") ?? $(".list .row[aria-current=true]");
  const act = (name) => here() && send(name, { id: here().dataset.id });

  // Where a person is in the list. What they have moved to holds until the server has followed: it may still be telling
  // of where they were before.
  let place, told, ahead = 0;
  function go(id) { place = id; ahead = Date.now() + FOLLOW_MS; mark(); }
  function mark() { rows().forEach((row) => row.classList.toggle("here", row.dataset.id === place)); }
  function follow() {
    const current = $(".list .row[aria-current=true]")?.dataset.id;
    if (current === place) ahead = 0;
    if (current && current !== told && Date.now() > ahead) place = current;
    told = current ?? told;
    mark();
  }

  function step(by) {
    const found = rows();
    if (!found.length) return;
    const next = found[Math.min(Math.max(found.indexOf(here()) + by, 0), found.length - 1)];
    go(next.dataset.id);
    next.scrollIntoView({ block: "nearest" });
    $("a", next).focus({ preventScroll: true });
    if (matchMedia("(min-width: 900px)").matches) send("open", { id: next.dataset.id });
  }
  function openHere() {
    if (!here()) return;
    send("open", { id: here().dataset.id });
    document.body.classList.add("reading");
  }
  function back() {
    if (document.body.classList.contains("reading")) {
      document.body.classList.remove("reading");
      $(".list .row[aria-current=true] a")?.focus();
      return;
    }
    if ($("[data-search]")?.value) return send("search", { text: "" });
    send("back");
  }
  function snooze() { if (here()) $("#snooze")?.showModal(); }
  function reply() { $("[data-reply]")?.focus(); }

  // ---- every command

  let commands = [];
  function openCommands() {
    commands = [
      ...all(".nav ul a").map((a) => ["Go to " + a.querySelector("span").textContent, () => a.click()]),
      ["New task", () => $("[data-key=c]").click()],
      ...all(".reading-pane .actions button, .bulk button").map((b) => [b.querySelector("span").textContent, () => b.click()]),
      ["Switch the theme", switchTheme], ["Undo", () => send("undo")], ["Show the keys", () => $("#keys").showModal()],
    ];
    $("#commands").showModal();
    $("[data-commands]").value = "";
    listCommands("");
  }
  function listCommands(text) {
    const wanted = text.toLowerCase();
    const list = $("#commands ul");
    list.replaceChildren(...commands.filter(([name]) => name.toLowerCase().includes(wanted)).map(([name, todo], at) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(at === 0));
      item.addEventListener("click", () => { $("#commands").close(); todo(); });
      return item;
    }));
  }
  function commandKey(event) {
    const items = all("#commands li");
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      items.forEach((item, number) => item.setAttribute("aria-selected", String(number === Math.min(Math.max(at + move, 0), items.length - 1))));
    } else if (event.key === "Enter") {
      event.preventDefault();
      items[at]?.click();
    }
  }

  // ---- links of agents lead nowhere before a person has seen where to

  function askToLeave(at) {
    $("[data-link-host]").textContent = at.dataset.host;
    $("[data-link-address]").textContent = at.dataset.href;
    const go = $("[data-link-go]");
    go.href = /^https?:\/\//.test(at.dataset.href) ? at.dataset.href : "#";
    $("#link").showModal();
  }
  document.addEventListener("close", (event) => {
    if (event.target.id === "link" && event.target.returnValue === "copy") navigator.clipboard?.writeText($("[data-link-address]").textContent);
  }, true);

  // ---- time

  // Made once: making one takes longer than writing a hundred times with it.
  const CLOCK = new Intl.DateTimeFormat([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const DAY = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
  const DATE = new Intl.DateTimeFormat([], { day: "numeric", month: "short", year: "numeric" });
  const YEAR_MS = 300 * 86400 * 1000;
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const span = (seconds) => {
    const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, "s"];
    return `${Math.floor(Math.max(seconds, 0) / size)} ${unit}`;
  };
  function tick(within = document) {
    const now = Date.now();
    for (const time of all("time[data-at]", within)) {
      const moment = new Date(time.dateTime);
      const seconds = (now - moment) / 1000;
      let text;
      if (time.dataset.at === "since") text = span(seconds);
      else if (time.dataset.at === "clock") text = CLOCK.format(moment);
      else if (seconds < 0) text = "in " + span(-seconds);
      else if (seconds < 10) text = "now";
      else if (seconds < 7 * 86400) text = span(seconds);
      else text = (now - moment < YEAR_MS ? DAY : DATE).format(moment);
      if (time.textContent !== text) time.textContent = text;
    }
  }
  setInterval(tick, 1000);

  // ---- what the server says

  let said;
  function hush() { $(".said")?.classList.add("hushed"); }
  function changed(within) {
    tick(within);
    const sentence = $(".said");
    if (sentence && sentence.dataset.number !== said) {
      said = sentence.dataset.number;
      sentence.classList.remove("hushed");
      clearTimeout(changed.timer);
      if (!sentence.classList.contains("bad")) changed.timer = setTimeout(hush, SAID_MS);
    }
    const focus = $("[data-focus]", within);
    if (focus && document.activeElement === document.body) focus.focus();
    for (const sight of all("[data-more]", within)) watched.observe(sight);
    const badge = $(".badge");
    const count = badge ? parseInt(badge.textContent) : 0;
    document.title = (count ? `(${count}) ` : "") + document.title.replace(/^\(\d+\) /, "");
    follow();
  }
  const watched = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { watched.unobserve(entry.target); send("more", { lane: entry.target.dataset.more }); }
  });

  // ---- theme and connection

  function switchTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("baara-theme", next);
  }
  let lost = 0; // looks since the connection was lost
  setInterval(() => {
    const is = Boolean(window.socket) && !window.socket.connected;
    document.body.classList.toggle("is-offline", is);
    if (lost && !is) send("look");
    lost = is ? lost + 1 : 0;
    if (lost % 4 === 1) leaveIfShutOut();
  }, 500);

  // Whoever was shut out does not go on looking at what stands there: the guard's own page says how to come back.
  async function leaveIfShutOut() {
    try {
      if ((await fetch("/static/baara.js", { method: "HEAD", cache: "no-store" })).status === 401) location.reload();
    } catch { /* Baara is not there: it is tried again */ }
  }

  window.baara = { changed, send };
})();
