/* The dispensing station: scanner, glove keys, and acts without leaving the page. Pages are complete without it; it
   makes up no text, it presses what is there and sends what was scanned. */
(function () {
  'use strict';
  var root = document.documentElement, main = document.getElementById('main');
  if (!main || !main.dataset.act) return;

  /* Nothing is done on a page whose live view is lost: not by a finger, not by Enter, not by a card. */
  var lastBeat = performance.now(), busy = false;
  document.addEventListener('beat', function () { lastBeat = performance.now(); });
  function live() { return performance.now() - lastBeat < 2500; }

  /* What is under a finger stays until the finger has gone. */
  function release() { delete root.dataset.pressed; }
  document.addEventListener('pointerdown', function () { root.dataset.pressed = '1'; setTimeout(release, 2000); }, true);
  ['pointerup', 'pointercancel', 'blur'].forEach(function (name) { addEventListener(name, function () { setTimeout(release, 0); }, true); });

  function send(form, fields) {
    if (busy || !live()) return;
    busy = true;
    fetch(main.dataset.act, { method: 'POST', headers: { accept: 'application/json' }, body: fields, cache: 'no-store' })
      .then(function (answer) { return answer.json(); })
      .then(function (answer) {
        document.dispatchEvent(new CustomEvent('acted', { detail: answer }));
        if (answer.to) { location.href = answer.to; return; }
        if (answer.done && form && form.hasAttribute('data-once')) { location.href = main.dataset.home; return; }
        if (!answer.done) {
          ['say', 'beside'].forEach(function (id) {
            var at = document.getElementById(id);
            if (at && answer[id]) at.textContent = answer[id];
          });
          main.querySelectorAll('input[type=password]').forEach(function (at) { at.value = ''; });
        }
      })
      .catch(function () { /* the live view says what is lost */ })
      .then(function () { busy = false; });
  }
  function fieldsOf(form, by) {
    var fields = new URLSearchParams();
    new FormData(form, by).forEach(function (value, name) { fields.append(name, value); });
    return fields;
  }
  document.addEventListener('submit', function (e) {
    if (!/\/act$/.test(e.target.action)) return;
    e.preventDefault();
    if (e.submitter && e.submitter.getAttribute('aria-disabled') === 'true') return;
    send(e.target, fieldsOf(e.target, e.submitter));
  });

  /* Scanner: it types fast and ends with Enter. Keys within 40 ms of each other are one scan wherever the focus is, and
     never press what has the focus. A key that is held down repeats and is no scan. */
  var keys = '', last = 0, before = null, space = 0;
  function field(at) { return at && /^(INPUT|TEXTAREA)$/.test(at.tagName) && !/^(radio|checkbox|hidden)$/.test(at.type) ? at : null; }
  function begin(at) { keys = ''; at = field(at); before = at && { at: at, value: at.value }; }
  addEventListener('keydown', function (e) {
    if (e.key === 'Shift' || e.key === 'AltGraph' || e.key === 'CapsLock') return;
    var fast = e.timeStamp - last <= 40 && !e.repeat, sign = e.key.length === 1 ? e.key : '';
    last = e.timeStamp;
    /* Between the parts of a GS1 code a scanner sends Ctrl+] for the group separator. */
    if (e.ctrlKey) sign = e.key === ']' || e.code === 'BracketRight' ? '\x1d' : '';
    if (e.key === 'Enter') {
      var scanned = fast && keys.length >= 3 ? keys : '';
      if (scanned) {
        stop(e);
        clearTimeout(space);
        if (before && before.at.isConnected) before.at.value = before.value;
        document.dispatchEvent(new CustomEvent('scan', { detail: scanned }));
      }
      keys = '';
      return;
    }
    if (!sign) { if (e.key !== 'Control' && e.key !== 'Alt') keys = ''; return; }
    if (!fast) begin(e.target);
    keys += sign;
    if (sign === '\x1d') stop(e);
    /* A space may be the middle of a scan: it presses a button only when nothing follows. */
    if (sign === ' ' && !field(e.target)) {
      stop(e);
      clearTimeout(space);
      var at = e.target, so = keys;
      if (!e.repeat) space = setTimeout(function () { if (keys === so && so === ' ' && at.click && at.tagName === 'BUTTON') at.click(); }, 60);
    }
  }, true);
  addEventListener('keyup', function (e) { if (e.key === ' ' && !field(e.target)) stop(e); }, true);
  function stop(e) { e.preventDefault(); e.stopImmediatePropagation(); }

  document.addEventListener('scan', function (e) {
    var badge = document.querySelector('[data-badge]:not([disabled])'), pin = document.getElementById('pin'), card = /^STEELYARD:/i.test(e.detail);
    if (badge && !card) {
      if (!badge.value) { badge.value = e.detail; pin.focus(); } else { pin.value = e.detail; badge.form.requestSubmit(document.getElementById('go')); }
      return;
    }
    var fields = new URLSearchParams(), acts = document.getElementById('acts');
    if (acts) new FormData(acts).forEach(function (value, name) { fields.append(name, value); });
    fields.set('act', 'scan');
    fields.set('code', e.detail);
    fields.set('how', 'scanned');
    send(null, fields);
  });

  /* Keys for gloves. */
  document.addEventListener('click', function (e) {
    var key = e.target.closest('[data-k]'), pad = key && key.closest('[data-keys]'), into = pad && document.getElementById(pad.dataset.keys);
    if (!into) return;
    var k = key.dataset.k;
    if (k === 'clr') into.value = ''; else if (k === 'del') into.value = into.value.slice(0, -1); else if (into.maxLength < 0 || into.value.length < into.maxLength) into.value += k;
    into.dispatchEvent(new Event('input', { bubbles: true }));
  });
  /* Whoever types a reason has chosen it. */
  document.addEventListener('input', function (e) {
    if (e.target.name !== 'other') return;
    main.querySelectorAll('.reasons input').forEach(function (at) { at.required = !e.target.value; if (e.target.value) at.checked = false; });
  });
})();
