// Sets the theme before the page is drawn: that of the surrounding Airflow or, alone in a tab, the last one chosen.
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
