/* While serving: reload when the site has changed, and say what keeps it from changing. The server answers when it has news. */
(() => {
  "use strict";
  const seen = { token: document.currentScript.src.split("?")[1], problem: "" };
  const banner = document.createElement("pre");
  banner.className = "kb-problem";
  banner.setAttribute("role", "alert");
  banner.hidden = true;
  document.body.append(banner);
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  (async () => {
    for (;;) {
      try {
        const { token, problem } = await (await fetch(`/.readrun/state?${new URLSearchParams(seen)}`)).json();
        if (token !== seen.token) { location.reload(); return; }
        seen.problem = problem;
        banner.textContent = problem;
        banner.hidden = !problem;
      } catch { await wait(1000); /* the server is away; it may come back */ }
    }
  })();
})();
