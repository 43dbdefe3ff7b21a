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
  /* Setting up a scanner: a burst of keys that is not followed by Enter is sent as such; Ctrl+] is the separator. */
  var test = document.querySelector('[data-scanner]'), quick = 0, at = 0, waits;
  if (test) addEventListener('keydown', function (e) {
    if (e.ctrlKey && (e.key === ']' || e.code === 'BracketRight')) { test.elements.code.value += '\x1d'; e.preventDefault(); }
    else if (e.key !== 'Enter' && e.key.length !== 1) return;
    quick = e.timeStamp - at <= 40 ? quick + 1 : 0;
    at = e.timeStamp;
    clearTimeout(waits);
    if (quick >= 6 && e.key !== 'Enter') waits = setTimeout(function () { test.elements.enter.value = 'no'; test.requestSubmit(); }, 400);
  });
  if (!main || !main.dataset.screen) return;

  /* Every heartbeat restarts a 2.5 s timer of the stylesheet. Nothing here shows or hides "Live view lost":
     if this script, the stream or the daemon stops, the timer runs out by itself. */
  var source, shape = main.dataset.shape, loading = false, late = [];
  function beat(e) {
    var b = JSON.parse(e.data);
    if (b.software !== root.dataset.software) { location.reload(); return; }
    if (b.shape !== shape) part(); else alive();
  }
  function alive() {
    root.classList.toggle('beat');
    document.dispatchEvent(new Event('beat'));
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
    if (loading) late.push(v);
    show(v);
  }
  function show(v) {
    var row = document.getElementById(v.id + '-row');
    /* Another state is another shape and word, never colour alone: they come together. */
    if (row && row.dataset.state !== v.state) { part(); return; }
    if ('text' in v) text(v.id, v.text);
    for (var name in v.set) set(v.id, name, v.set[name]);
    if ('word' in v) text(v.id + '-word', v.word);
    if ('gauge' in v) set(v.id + '-gauge', 'x', v.gauge + '%');
    if ('trend' in v) { set(v.id + '-trend', 'd', v.trend); set(v.id + '-out', 'd', v.out); }
  }
  /* The part carries its own shape; until it has arrived no heartbeat is passed on. */
  function part() {
    /* Nothing changes under a finger or a key that is down: its press belongs to what is shown. */
    if (loading || root.dataset.pressed) return;
    loading = true;
    late = [];
    fetch(main.dataset.part || '/part/' + main.dataset.screen, { cache: 'no-store' }).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, 'text/html');
      var focus = document.activeElement && document.activeElement.id ? document.activeElement : null;
      ['main', 'record'].forEach(function (id) {
        var now = document.getElementById(id), then = fresh.getElementById(id);
        if (!now || !then) return;
        var open = Array.from(now.querySelectorAll('details[open]'), function (d) { return d.id; });
        /* What a person has typed or chosen stays. */
        var typed = {};
        now.querySelectorAll('input[id]:not([type=hidden]),textarea[id]').forEach(function (at) {
          typed[at.id] = { type: at.type, value: at.value, checked: at.checked };
        });
        now.replaceChildren.apply(now, Array.from(then.childNodes));
        open.forEach(function (d) { set(d, 'open', ''); });
        Object.keys(typed).forEach(function (d) {
          var at = document.getElementById(d);
          if (at && at.type === typed[d].type) { at.value = typed[d].value; at.checked = typed[d].checked; }
        });
        if (focus && document.activeElement !== focus) { focus = document.getElementById(focus.id); if (focus) focus.focus(); }
      });
      shape = fresh.getElementById('main').dataset.shape;
      set('main', 'data-shape', shape);
      /* The part is as old as its way; what came meanwhile is newer. */
      loading = false;
      late.forEach(show);
      alive();
      document.dispatchEvent(new Event('part'));
    }).catch(function () { /* the next heartbeat tries again */ }).then(function () { loading = false; });
  }
  function open() {
    close();
    source = new EventSource(main.dataset.live || '/live/' + main.dataset.screen);
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
