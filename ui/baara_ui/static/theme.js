// The theme, before anything is painted: the system's, unless a person has chosen.
(() => {
  const chosen = localStorage.getItem("baara-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
