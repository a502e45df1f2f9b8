// Before anything is drawn: light or dark, as the Airflow around the page is; alone in a tab, as Airflow was set last.
(() => {
  const outer = window.parent === window ? null : window.parent.document.documentElement;
  const preferred = matchMedia("(prefers-color-scheme: dark)");

  function isDark() {
    if (outer) return outer.classList.contains("dark");
    const chosen = localStorage.getItem("theme");
    return chosen === "dark" || (chosen !== "light" && preferred.matches);
  }

  function apply() {
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  }

  apply();
  preferred.addEventListener("change", apply);
  addEventListener("storage", apply);
  if (outer) new MutationObserver(apply).observe(outer, { attributes: true, attributeFilter: ["class"] });
})();
