"""How soon the studio says that nobody receives: `WATCH` begins to look, `window.__told` is how many ms it took."""

from __future__ import annotations

TOLD_WITHIN = 3_000
BUSY = 1_000
"""ms that the page's own clock may be late on a machine that runs two browsers, a service and the other tests."""
WATCH = """() => {
  const air = document.querySelector('[data-testid=studio-air]');
  const from = performance.now();
  window.__told = new Promise((done) => {
    const look = () => air.dataset.tone === 'lost' && done(performance.now() - from);
    new MutationObserver(look).observe(air, { attributes: true });
    look();
  });
}"""
