// What axe finds in the pages of the theme and of docutils, mended.
document.addEventListener("DOMContentLoaded", () => {
  // the button shows "Search Ctrl+K": this text is its name
  for (const button of document.querySelectorAll(".search-button-field")) {
    button.removeAttribute("aria-label");
  }
  // the references of a docstring are a list, whose items have a role that a list does not take
  for (const item of document.querySelectorAll(".citation-list > *")) {
    item.setAttribute("role", "listitem");
  }
});
