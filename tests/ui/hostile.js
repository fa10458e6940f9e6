// Tries all that a page can, for so many seconds, and tells what it could read or open. What a browser hides from it
// (opaque answers) is no success; that nothing was done is looked up in the store.
async ([target, host, port, seconds]) => {
  const won = [], until = Date.now() + seconds * 1000; let tries = 0;
  const note = (what) => won.push(what);
  const paths = ["/", "/new", "/settings", "/quit", "/healthz", "/open?key=x", "/prove?challenge=0123456789abcdef",
    "/api/v1/links", "/api/v1/desk?do=quit&how=pause", "/api/v1/executions", "/api/v1/pause", "/api/v1/settings", "/mcp", "/static/baara.js", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"];
  const read = async (url, how) => {
    try { const answer = await fetch(url, how); if (answer.type !== "opaque" && answer.ok) note(url + " " + JSON.stringify(how)) } catch {}
  };
  const socket = (url) => new Promise((done) => { try {
      const made = new WebSocket(url); made.onopen = () => { note("socket " + url); made.close(); done() };
      made.onerror = () => done(); setTimeout(done, 500) } catch { done() } });
  const loaded = (kind, url) => new Promise((done) => { const made = document.createElement(kind);
      made.onload = () => { if (kind !== "iframe") note(kind + " " + url);
        else { try { if (made.contentDocument && made.contentDocument.body.innerText) note("frame " + url) } catch {} } done() };
      made.onerror = () => done(); made.src = url; document.body.append(made); setTimeout(() => { made.remove(); done() }, 500) });
  const posted = (url, type) => { const form = document.createElement("form"), frame = document.createElement("iframe");
      frame.name = "f" + Math.random(); form.method = "post"; form.enctype = type; form.action = url; form.target = frame.name;
      const field = document.createElement("input"); field.name = "do"; field.value = "quit"; form.append(field);
      document.body.append(frame, form); form.submit(); setTimeout(() => { frame.remove(); form.remove() }, 300) };
  while (Date.now() < until) {
    for (const base of [target, "http://" + host + ":" + port]) for (const path of paths) {
      tries += 6;
      await Promise.all([
        read(base + path, {credentials: "include"}), read(base + path, {mode: "no-cors", credentials: "include"}),
        read(base + path, {method: "POST", credentials: "include", body: '{"do": "quit"}', headers: {"Content-Type": "text/plain"}}),
        read(base + path, {method: "POST", credentials: "include", body: "{}", headers: {"Content-Type": "application/json", "Authorization": "Bearer x"}}),
      ]);
      navigator.sendBeacon(base + path, "do=quit");
      posted(base + path, "text/plain"); posted(base + path, "application/x-www-form-urlencoded");
    }
    for (const base of [target, "http://" + host + ":" + port]) {
      const ws = base.replace("http", "ws");
      await Promise.all([socket(ws + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"), socket(ws + "/"), socket(ws + "/mcp"),
        loaded("script", base + "/static/baara.js"), loaded("img", base + "/static/baara.svg"), loaded("iframe", base + "/")]);
    }
    for (let near = port - 3; near <= port + 3; near++) if (near !== Number(location.port))
      await read("http://127.0.0.1:" + near + "/", {credentials: "include"});
  }
  return {won, tries};
}
