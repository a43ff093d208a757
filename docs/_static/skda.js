// Fixes accessibility faults that axe finds in pages of the theme and of docutils.
document.addEventListener("DOMContentLoaded", () => {
  // the name of the button is what it shows where there is room: "Search Ctrl+K"
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.setAttribute("aria-label", button.textContent.replace(/\s+/g, " ").trim());
  }
  // the references of a docstring are a list, whose items have a role that a list does not take
  for (const item of document.querySelectorAll(".citation-list > *")) {
    item.setAttribute("role", "listitem");
  }
});
