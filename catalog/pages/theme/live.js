/* While serving: reload when the site has changed, and say what keeps it from changing. The server answers when it has news;
   a tab that nobody sees does not ask, as a browser opens only six connections to one server. */
(() => {
  "use strict";
  const seen = { token: document.currentScript.src.split("?")[1], problem: "" };
  const banner = document.createElement("pre");
  banner.className = "kb-problem";
  banner.setAttribute("role", "alert");
  banner.hidden = true;
  document.body.append(banner);
  let asking = null;
  const ask = async () => {
    if (document.hidden || asking) return;
    asking = new AbortController();
    let pause = 0;
    try {
      const answer = await fetch(`/.readrun/state?${new URLSearchParams(seen)}`, { signal: asking.signal });
      const { token, problem } = await answer.json();
      if (token !== seen.token) { location.reload(); return; }
      seen.problem = problem;
      banner.textContent = problem;
      banner.hidden = !problem;
    } catch { pause = 1000; /* the server is away and may come back, or nobody looks */ }
    asking = null;
    setTimeout(ask, pause);
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) asking?.abort(); else ask(); });
  ask();
})();
