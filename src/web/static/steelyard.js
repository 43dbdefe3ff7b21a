/* Keeps a page live. Pages are complete without it. It sets texts and attributes by id, and asks for a
   server-rendered part when the structure has changed. It never makes up a text of its own. */
(function () {
  'use strict';
  var root = document.documentElement, main = document.getElementById('main');

  /* Light or dark: follows the system until someone chooses. */
  try { if (localStorage.theme) root.dataset.theme = localStorage.theme; } catch (e) { /* no storage: system's choice */ }
  document.addEventListener('click', function (e) {
    if (e.target.closest('[data-reload]')) location.reload();
    if (!e.target.closest('[data-theme-toggle]')) return;
    var dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme:dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    try { localStorage.theme = root.dataset.theme; } catch (e) { /* chosen for this page only */ }
  });
  if (!main || !main.dataset.screen) return;

  /* Every heartbeat restarts a 2.5 s timer of the stylesheet. Nothing here shows or hides "Live view lost":
     if this script, the stream or the daemon stops, the timer runs out by itself. */
  var source, shape = main.dataset.shape, loading = false;
  function beat(e) {
    var b = JSON.parse(e.data);
    if (b.software !== root.dataset.software) { location.reload(); return; }
    if (b.shape !== shape) part(); else root.classList.toggle('beat');
  }
  function text(id, words) {
    var at = document.getElementById(id);
    if (at && at.textContent !== words) at.textContent = words;
  }
  function set(id, name, value) {
    var at = document.getElementById(id);
    if (at && at.getAttribute(name) !== value) at.setAttribute(name, value);
  }
  function value(e) {
    var v = JSON.parse(e.data);
    var row = document.getElementById(v.id + '-row');
    /* Another state is another shape and word, never colour alone: they come together. */
    if (row && row.dataset.state !== v.state) { part(); return; }
    text(v.id, v.text);
    if ('word' in v) text(v.id + '-word', v.word);
    if ('gauge' in v) set(v.id + '-gauge', 'x', v.gauge + '%');
    if ('trend' in v) { set(v.id + '-trend', 'd', v.trend); set(v.id + '-out', 'd', v.out); }
  }
  /* The part carries its own shape; until it has arrived no heartbeat is passed on. */
  function part() {
    if (loading) return;
    loading = true;
    fetch('/part/' + main.dataset.screen, { cache: 'no-store' }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, 'text/html');
      ['main', 'record'].forEach(function (id) {
        var now = document.getElementById(id), then = fresh.getElementById(id);
        if (!now || !then) return;
        var open = Array.from(now.querySelectorAll('details[open]'), function (d) { return d.id; });
        now.replaceChildren.apply(now, Array.from(then.childNodes));
        open.forEach(function (d) { set(d, 'open', ''); });
      });
      shape = fresh.getElementById('main').dataset.shape;
      set('main', 'data-shape', shape);
      root.classList.toggle('beat');
    }).catch(function () { /* the next heartbeat tries again */ }).then(function () { loading = false; });
  }
  function open() {
    close();
    source = new EventSource('/live/' + main.dataset.screen);
    source.addEventListener('beat', beat);
    source.addEventListener('v', value);
    /* A refusal ends an EventSource for good; a broken line does not. */
    source.onerror = function () { if (source && source.readyState === 2) { close(); setTimeout(open, 1000); } };
  }
  function close() { if (source) source.close(); source = null; }
  /* A browser keeps six connections to one address; a page nobody looks at gives its own back. */
  document.addEventListener('visibilitychange', function () { if (document.hidden) close(); else open(); });
  if (!document.hidden) open();
})();
