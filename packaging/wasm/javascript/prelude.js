// What programs expect to find: console, process, timers, and of node's modules those that make sense here.
(() => {
  "use strict";
  const natives = globalThis.__natives, folder = globalThis.__folder;
  delete globalThis.__natives;
  delete globalThis.__folder;

  const shown = (value, depth = 0, seen = []) => {
    if (typeof value === "string") return depth ? JSON.stringify(value) : value;
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[Function ${value.name || "(anonymous)"}]`;
    if (typeof value === "symbol") return value.toString();
    if (value === null || typeof value !== "object") return Object.is(value, -0) ? "-0" : String(value);
    if (value instanceof Error) return `${value}\n${value.stack || ""}`.trimEnd();
    if (value instanceof Date) return value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (seen.includes(value)) return "[Circular]";
    const inner = [...seen, value], show = (item) => shown(item, depth + 1, inner);
    if (Array.isArray(value)) return depth > 3 ? "[Array]" : `[${value.map((item) => ` ${show(item)}`)} ]`.replace("[ ]", "[]");
    if (value instanceof Map) return `Map(${value.size}) {${[...value].map(([key, item]) => ` ${show(key)} => ${show(item)}`)} }`;
    if (value instanceof Set) return `Set(${value.size}) {${[...value].map((item) => ` ${show(item)}`)} }`;
    if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.length}) [${[...value].slice(0, 100).map((item) => ` ${item}`)} ]`;
    if (depth > 3) return "[Object]";
    const named = (key) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));
    const kind = value.constructor && value.constructor !== Object ? `${value.constructor.name} ` : "";
    const fields = Object.keys(value).map((key) => ` ${named(key)}: ${show(value[key])}`);
    return kind + (fields.length ? `{${fields} }` : "{}");
  };
  const formatted = (values) => {
    if (typeof values[0] !== "string" || !/%[sdifjoO%]/.test(values[0])) return values.map((value) => shown(value)).join(" ");
    const rest = values.slice(1);
    const text = values[0].replace(/%([sdifjoO%])/g, (found, kind) => {
      if (kind === "%") return "%";
      if (!rest.length) return found;
      const value = rest.shift();
      if (kind === "d") return String(Number(value));
      if (kind === "i") return String(parseInt(value, 10));
      if (kind === "f") return String(parseFloat(value));
      return kind === "j" ? JSON.stringify(value) : shown(value, kind === "s" ? 0 : 1);
    });
    return [text, ...rest.map((value) => shown(value))].join(" ");
  };
  const printing = (stream) => (...values) => natives.out(stream, `${formatted(values)}\n`);
  const out = printing(1), err = printing(2);
  globalThis.console = {
    log: out, info: out, debug: out, warn: err, error: err, trace: err,
    table: (rows) => out(rows), dir: (value) => out(value), group: out, groupEnd: () => {},
    assert: (holds, ...values) => { if (!holds) err("Assertion failed:", ...values); },
  };
  globalThis.print = out;

  const text = (buffer) => {
    const bytes = new Uint8Array(buffer), parts = [];
    let part = "";
    for (let at = 0; at < bytes.length;) {
      const first = bytes[at++];
      let more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : -1;
      let code = more < 0 ? 0xfffd : more ? first & (0x3f >> more) : first;
      for (; more > 0; more--) {
        if ((bytes[at] & 0xc0) !== 0x80) { code = 0xfffd; break; }
        code = (code << 6) | (bytes[at++] & 0x3f);
      }
      part += String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
      if (part.length > 4096) { parts.push(part); part = ""; }
    }
    return parts.join("") + part;
  };
  const bytesOf = (string) => {
    const bytes = [];
    for (const character of string) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return new Uint8Array(bytes);
  };
  globalThis.TextDecoder = class { decode(view = new Uint8Array()) { return text(view.buffer ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view); } };
  globalThis.TextEncoder = class { encode(string = "") { return bytesOf(String(string)); } };

  const encoding = (options) => (typeof options === "string" ? options : options && options.encoding);
  const put = (path, data, append) => {
    const plain = ArrayBuffer.isView(data) ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data;
    natives.write(String(path), plain instanceof ArrayBuffer ? plain : String(plain), append);
  };
  const about = (path) => {
    const found = natives.about(String(path));
    return { size: found.size, mtimeMs: found.changed, mtime: new Date(found.changed), isFile: () => !found.folder, isDirectory: () => found.folder };
  };
  const exists = (path) => { try { natives.about(String(path)); return true; } catch { return false; } };
  const mkdir = (path, options) => {
    if (!options || !options.recursive) return natives.mkdir(String(path));
    let made = String(path).startsWith("/") ? "/" : "";
    for (const part of String(path).split("/").filter(Boolean)) {
      made += part;
      if (!exists(made)) natives.mkdir(made);
      made += "/";
    }
    return undefined;
  };
  const rm = (path, options = {}) => {
    if (options.force && !exists(path)) return;
    if (!about(path).isDirectory()) { natives.unlink(String(path)); return; }
    if (!options.recursive) throw new Error(`It is a folder: ${path}`);
    for (const name of natives.list(String(path))) rm(`${path}/${name}`, options);
    natives.rmdir(String(path));
  };
  const list = (path, options = {}) => {
    const names = natives.list(String(path)).sort();
    if (!options.withFileTypes) return names;
    return names.map((name) => ({ ...about(`${path}/${name}`), name }));
  };
  const fs = {
    readFileSync: (path, options) => {
      const found = natives.read(String(path));
      return encoding(options) ? text(found) : new Uint8Array(found);
    },
    writeFileSync: (path, data) => put(path, data, false),
    appendFileSync: (path, data) => put(path, data, true),
    existsSync: exists, statSync: about, lstatSync: about, readdirSync: list, mkdirSync: mkdir, rmSync: rm,
    unlinkSync: (path) => natives.unlink(String(path)),
    rmdirSync: (path) => natives.rmdir(String(path)),
    renameSync: (from, to) => natives.rename(String(from), String(to)),
    copyFileSync: (from, to) => natives.write(String(to), natives.read(String(from)), false),
  };
  fs.promises = {};
  for (const name of Object.keys(fs).filter((key) => key.endsWith("Sync")))
    fs.promises[name.slice(0, -4)] = async (...values) => fs[name](...values);

  const normalize = (path) => {
    const parts = [];
    for (const part of path.split("/"))
      if (part === ".." && parts.length && parts[parts.length - 1] !== "..") parts.pop();
      else if (part === ".." && path.startsWith("/")) continue;
      else if (part && part !== ".") parts.push(part);
    return (path.startsWith("/") ? "/" : "") + parts.join("/") || ".";
  };
  const basename = (path, end = "") => {
    const name = path.replace(/\/+$/, "").split("/").pop();
    return end && name.endsWith(end) ? name.slice(0, -end.length) : name;
  };
  const path = {
    sep: "/", normalize, basename,
    join: (...parts) => normalize(parts.filter(Boolean).join("/")),
    resolve: (...parts) => normalize(parts.reduce((whole, part) => (part.startsWith("/") ? part : `${whole}/${part}`), folder)),
    dirname: (whole) => { const at = whole.replace(/\/+$/, "").lastIndexOf("/"); return at < 0 ? "." : whole.slice(0, at) || "/"; },
    extname: (whole) => { const name = basename(whole), at = name.lastIndexOf("."); return at > 0 ? name.slice(at) : ""; },
    isAbsolute: (whole) => whole.startsWith("/"),
  };

  let timers = [], numbers = 0;
  const now = () => Date.now();
  const later = (act, ms, values, every) => {
    const number = (numbers += 1);
    timers.push({ number, act, values, at: now() + Math.max(0, Number(ms) || 0), every });
    return number;
  };
  const forget = (number) => { timers = timers.filter((timer) => timer.number !== number); };
  globalThis.setTimeout = (act, ms, ...values) => later(act, ms, values, null);
  globalThis.setInterval = (act, ms, ...values) => later(act, ms, values, Math.max(1, Number(ms) || 0));
  globalThis.setImmediate = (act, ...values) => later(act, 0, values, null);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = forget;
  globalThis.queueMicrotask = (act) => { Promise.resolve().then(act); };
  Object.defineProperty(globalThis, "__tick", { value: () => {
    if (!timers.length) return false;
    const next = timers.reduce((first, timer) => (timer.at < first.at ? timer : first));
    natives.sleep(next.at - now());
    if (next.every === null) forget(next.number);
    else next.at = now() + next.every;
    next.act(...next.values);
    return true;
  } });

  const process = {
    argv: ["node"], env: {}, platform: "wasi", exitCode: undefined, version: "", versions: {},
    cwd: () => folder, exit: (code = 0) => natives.exit(Number(code) || 0),
    stdout: { write: (data) => { natives.out(1, String(data)); return true; } },
    stderr: { write: (data) => { natives.out(2, String(data)); return true; } },
    hrtime: { bigint: () => BigInt(Date.now()) * 1000000n },
  };
  globalThis.process = process;
  globalThis.performance = { now };
  globalThis.global = globalThis;
  const modules = { fs, path, process, "fs/promises": fs.promises, util: { inspect: (value) => shown(value, 1), format: (...values) => formatted(values) } };
  globalThis.require = (name) => {
    const found = modules[String(name).replace(/^node:/, "")];
    if (!found) throw new Error(`There is no module “${name}” in the sandbox. There are: ${Object.keys(modules).join(", ")}.`);
    return found;
  };
})();
