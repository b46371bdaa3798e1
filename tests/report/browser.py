"""A headless Chromium that opens reports from disk and notes whatever a report must not do."""
import contextlib
import os
import pathlib

from playwright import sync_api

# Colour scheme and width of the window in pixels: a desk and a phone.
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


@contextlib.contextmanager
def launched():
  """Debian's Chromium, or the one that ESPALIER_CHROMIUM names."""
  with sync_api.sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("ESPALIER_CHROMIUM") or "/usr/bin/chromium", args=["--no-sandbox"])
    try:
      yield browser
    finally:
      browser.close()


@contextlib.contextmanager
def opened(browser, path, look):
  """The page of the file at `path`, and a list of errors that grows while it is open."""
  scheme, width = look
  context = browser.new_context(
      color_scheme=scheme, viewport={"width": width, "height": 900}, has_touch=width < 600)
  page = context.new_page()
  errors = []
  url = pathlib.Path(path).resolve().as_uri()

  def refuse(dialog):
    errors.append("dialog: " + dialog.message)
    dialog.dismiss()

  def note(request):
    if request.url != url and not request.url.startswith("data:"):
      errors.append("request: " + request.url)

  page.on("console", lambda message: errors.append("console: " + message.text))
  page.on("pageerror", lambda error: errors.append("error: " + error.message))
  page.on("dialog", refuse)
  page.on("request", note)
  page.goto(url, wait_until="load")
  page.wait_for_timeout(300)  # charts are drawn once their width is known
  try:
    yield page, errors
  finally:
    context.close()
