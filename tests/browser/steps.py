"""A user's actions on the page, and the rows that it shows."""

from __future__ import annotations

from tests.browser.chromium import Browser

#: Returns whether all rows on the screen have been read.
SETTLED = """
const isBusy = document.querySelector('[aria-busy=true]');
const isOnScreen = (row) => {
  const {top, bottom} = row.getBoundingClientRect();
  return row.offsetParent && bottom > 0 && top < innerHeight;
};
return document.getElementById('rows') && !isBusy && ![...document.querySelectorAll('.waiting')].some(isOnScreen);
"""
ROW = """
const rows = [...document.querySelectorAll('tbody tr')];
return rows.find((row) => row.querySelector('th').innerText.includes(arguments[0]))?.innerText ?? '';
"""


def show(browser: Browser, url: str, **size: int) -> None:
    """Load the page, and wait until all rows on the screen have been read."""
    browser.open(url, **size)
    browser.wait_for(SETTLED)


def shown(browser: Browser) -> list[str]:
    """Return the names in the rows that are not filtered out."""
    names = "[...document.querySelectorAll('tbody:not([hidden]) th')].map((each) => each.innerText)"
    return [str(name) for name in browser.run(f"return {names}")]


def enter(browser: Browser, field: str, value: object) -> None:
    """Set a filter, and wait until all rows on the screen have been read."""
    script = """
const field = document.getElementById('filters').elements[arguments[0]];
if (field.type === 'checkbox') field.checked = arguments[1]; else field.value = arguments[1];
field.dispatchEvent(new Event('input', {bubbles: true}));
"""
    browser.run(script, field, value)
    browser.wait_for(SETTLED)
