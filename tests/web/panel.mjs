// What is looked at on a panel's page, and the hands in front of it.

// Nothing sticks out to the right, and every panel holds its own text.
export function leaving() {
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} of ${root.clientWidth}`);
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    const box = at.closest('.kw,.kv,.kbtn,.kcap,.say,.kbar,.klines li,.label,.opt');
    if (!text || !box || at.closest('.sr,svg.tol') || !at.checkVisibility({ visibilityProperty: true })) continue;
    // What is cut with three dots is cut on purpose.
    if (at.closest('.klines li,.what')) continue;
    range.selectNodeContents(walk.currentNode);
    const words = range.getBoundingClientRect(), edge = box.getBoundingClientRect();
    const low = at.closest('.n') ? 40 : 3;
    if (words.left < edge.left - 1 || words.right > edge.right + 1 || words.top < edge.top - low || words.bottom > edge.bottom + low) wrong.push(`"${text.slice(0, 40)}" leaves .${box.className}`);
  }
  for (const box of document.querySelectorAll('.kw,.kside,.kact,.kmain,.kver>section')) {
    if (box.scrollWidth > box.clientWidth + 1) wrong.push(`.${box.className} is too narrow`);
    if (innerWidth > 640 && box.scrollHeight > box.clientHeight + 2) wrong.push(`.${box.className} is too low: ${box.scrollHeight} of ${box.clientHeight}`);
  }
  const bar = document.querySelector('.kbar');
  if (innerWidth > 640 && bar.scrollWidth > bar.clientWidth + 1) wrong.push('the bar is too narrow');
  return wrong;
}

// 72 px for gloves, 96 for the main action. "Reload" stands in the bar that says that the live view is lost.
export function targets() {
  const wrong = [];
  for (const at of document.querySelectorAll('a,button,summary,input,select,textarea')) {
    if (!at.checkVisibility({ visibilityProperty: true }) || at.closest('.lost')) continue;
    const aim = at.closest('label') ?? at, least = at.matches('.kcap') ? 96 : 72;
    const { width, height } = aim.getBoundingClientRect();
    // Ten keys of a row share the width of half a panel; they are as tall as the rest.
    const narrow = at.matches('.board .kbtn') ? 36 : least;
    if (width < narrow - 0.5 || height < least - 0.5) wrong.push(`"${aim.textContent.trim() || at.ariaLabel || at.id}" is ${Math.round(width)} by ${Math.round(height)}`);
  }
  return wrong;
}

// Every frame that calls has words and a shape with it.
export function colourAlone() {
  const wrong = [];
  for (const box of document.querySelectorAll('.kw.ready,.kw.over,.kw.off,.kw.block,.kv.warn,.kv.alarm,.kv.data,.mark')) {
    if (!box.textContent.trim()) wrong.push(`.${box.className} has no words`);
    if (!box.querySelector('svg') && !box.closest('form')) wrong.push(`.${box.className} has no shape`);
  }
  return wrong;
}

// Counts what is asked of the gateway, what is scanned, what is clicked.
export function countActs() {
  Object.assign(window, { acts: [], scans: [], clicks: 0 });
  const real = window.fetch;
  window.fetch = (address, how) => {
    if (how?.method === 'POST') window.acts.push(String(how.body));
    return real(address, how);
  };
  document.addEventListener('scan', (e) => window.scans.push(e.detail));
  document.addEventListener('click', () => { window.clicks += 1; }, true);
}

export async function press(page, selector) {
  const { x, y } = await page.run((at) => {
    const box = document.querySelector(at).getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }, selector);
  for (const type of ['mousePressed', 'mouseReleased']) await page.ask('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
}

// Keys with so many milliseconds between them. Their own time stamps count, as on a keyboard's plug.
export async function type(page, keys, ms) {
  for (const key of keys) {
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : '';
    const named = { Enter: 13, Tab: 9 }[key] ?? (key === ' ' ? 32 : 0);
    const base = { key, text, unmodifiedText: text, windowsVirtualKeyCode: named, code: key === ' ' ? 'Space' : key.length > 1 ? key : '' };
    page.ask('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', ...base });
    await page.ask('Input.dispatchKeyEvent', { type: 'keyUp', ...base, text: '' });
    if (ms >= 40) await new Promise((done) => setTimeout(done, ms));
  }
}

// A GS1 code as a scanner sends it: Ctrl+] between the parts.
export async function gs1(page) {
  const send = (more) => page.ask('Input.dispatchKeyEvent', more);
  const plain = async (text) => { for (const key of text) { send({ type: 'keyDown', key, text: key }); await send({ type: 'keyUp', key }); } };
  await plain('10L-1');
  send({ type: 'rawKeyDown', key: 'Control', code: 'ControlLeft', modifiers: 2 });
  send({ type: 'rawKeyDown', key: ']', code: 'BracketRight', modifiers: 2 });
  await send({ type: 'keyUp', key: ']', code: 'BracketRight', modifiers: 2 });
  await send({ type: 'keyUp', key: 'Control', code: 'ControlLeft' });
  await plain('17280331');
  await type(page, ['Enter'], 0);
}
