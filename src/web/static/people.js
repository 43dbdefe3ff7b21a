/* Signing in with gloves, and the lock of a screen nobody uses. Pages work without it, with a keyboard. */
(function () {
  'use strict';
  var root = document.documentElement;

  /* The keys of the PIN pad. */
  document.addEventListener('click', function (e) {
    var key = e.target.closest('[data-digit]'), pin = document.getElementById('pin');
    if (!key || !pin) return;
    pin.value = key.dataset.digit ? (pin.value + key.dataset.digit).slice(0, pin.maxLength) : pin.value.slice(0, -1);
    pin.focus();
  });

  /* Escape leaves a dialog; nothing is signed by it. */
  document.addEventListener('keydown', function (e) {
    var cancel = e.key === 'Escape' && document.querySelector('[data-dialog] [data-cancel]');
    if (cancel) cancel.click();
  });
  /* A signature is sent once, however often the button is pressed. */
  document.addEventListener('submit', function (e) {
    if (e.target.dataset.sent) e.preventDefault();
    e.target.dataset.sent = 'yes';
  });

  /* The gateway locks an unused session; this only shows it. What a person does here is told at most each half minute,
     so that somebody who reads or types is not locked out. */
  var after = +root.dataset.locksAfter * 1000, form = root.dataset.form;
  if (!after || !form) return;
  var used = Date.now(), told = used;
  function moved() {
    used = Date.now();
    if (used - told < 30000) return;
    told = used;
    fetch('/here', { method: 'POST', headers: { 'X-Form': form } }).catch(function () { /* told again at the next move */ });
  }
  ['pointerdown', 'keydown'].forEach(function (kind) { document.addEventListener(kind, moved, { passive: true }); });
  setInterval(function () {
    if (Date.now() - used > after + 1000) location.href = '/sign-in?to=' + encodeURIComponent(location.pathname);
  }, 5000);
})();
