/* Tables that can be put in order by their headings, and narrowed to one setting. Without this they are plain tables. */
(() => {
  "use strict";

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const said = document.querySelector(".kb-said");
  const LABEL = { "": "All", matched: "Matched budget", own: "Own setting" };

  const button = (label, press) => {
    const node = document.createElement("button");
    node.type = "button";
    node.append(...label);
    node.addEventListener("click", press);
    return node;
  };

  const valueOf = (row, column, numeric) => {
    const cell = row.cells[column];
    if (!cell) return null;
    if (!numeric) return cell.textContent.trim();
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };

  /* What has no value stays last, whichever way the rest goes. */
  const compare = (column, numeric, down) => (a, b) => {
    const x = valueOf(a, column, numeric), y = valueOf(b, column, numeric);
    if (x === null || y === null) return (x === null) - (y === null);
    const by = typeof x === "number" ? x - y : collator.compare(x, y);
    return down ? -by : by;
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const name = head.firstChild.textContent.trim();
      const first = head.dataset.first || "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      head.replaceChildren(button([...head.childNodes], () => {
        const was = head.getAttribute("aria-sort");
        const next = was === first ? other : was === other ? "" : first;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        body.append(...(next ? [...original].sort(compare(column, Boolean(head.dataset.first), next === "descending")) : original));
        if (said) said.textContent = next ? `Sorted by ${name}, ${next}` : "In the first order again";
      }));
    });
  };

  const narrowable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const settings = ["matched", "own"].filter((name) => rows.some((row) => row.dataset.setting === name));
    if (settings.length < 2) return;
    const group = document.createElement("div");
    group.className = "kb-segments";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Setting");
    const choose = (chosen) => {
      rows.forEach((row) => { row.hidden = Boolean(chosen) && row.dataset.setting !== chosen; });
      [...group.children].forEach((node) => node.setAttribute("aria-pressed", String(node.value === chosen)));
    };
    for (const name of ["", ...settings]) {
      const count = document.createElement("span");
      count.textContent = rows.filter((row) => !name || row.dataset.setting === name).length;
      const node = button([LABEL[name], " ", count], () => choose(name));
      node.value = name;
      group.append(node);
    }
    choose("");
    table.parentElement.before(group);
  };

  for (const table of document.querySelectorAll("[data-kb-sort]")) {
    sortable(table);
    narrowable(table);
  }
})();
