/* While serving: reload when the site has changed, and say what keeps it from changing. */
(() => {
  "use strict";
  const seen = document.currentScript.src.split("?")[1];
  const banner = document.createElement("pre");
  banner.className = "kb-problem";
  banner.setAttribute("role", "alert");
  banner.hidden = true;
  document.body.append(banner);
  const look = async () => {
    if (document.hidden) return;
    try {
      const { token, problem } = await (await fetch("/.readrun/state")).json();
      if (token !== seen) { location.reload(); return; }
      if (banner.textContent !== problem) banner.textContent = problem;
      banner.hidden = !problem;
    } catch { /* the server is away; it may come back */ }
  };
  setInterval(look, 300);
  document.addEventListener("visibilitychange", look);
})();
