// What is looked at inside a page. Each function runs in the browser and returns what is wrong, as sentences.

// Nothing sticks out to the right, and every panel holds its own text.
export function leaving() {
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} of ${root.clientWidth}`);
  const shown = (at) => at.checkVisibility({ visibilityProperty: true }) && !at.closest('.sr,.skip');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    const panel = at.closest('.par .v,.attn>li,.calm,.unit,.use,.rec,.bar,.empty');
    if (!text || !panel || !shown(at) || at.closest('.more ul')) continue;
    range.selectNodeContents(walk.currentNode);
    const words = range.getBoundingClientRect(), box = panel.getBoundingClientRect();
    // The figure of a point has its own column; its line is lower than its letters' own box.
    const low = panel.matches('.par .v') ? 12 : 2;
    if (words.left < box.left - 1 || words.right > box.right + 1 || words.top < box.top - low || words.bottom > box.bottom + low)
      wrong.push(`"${text}" leaves .${panel.className}`);
  }
  for (const box of document.querySelectorAll('.unit,.attn>li,.calm,.use,.par .l'))
    if (box.scrollWidth > box.clientWidth + 1 && !box.querySelector('details[open]')) wrong.push(`.${box.className} clips: ${box.textContent.slice(0, 60)}`);
  return wrong;
}

export function scrolling() {
  const root = document.documentElement;
  return root.scrollHeight > innerHeight ? [`scrolls down: ${root.scrollHeight} of ${innerHeight}`] : [];
}

// Letters against what lies behind them: 4.5 to 1, or 3 to 1 when large.
export function contrast() {
  const wrong = [], paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  let least = 99;
  const rgb = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (at) => {
    for (; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || at.closest('.sr,script,noscript') || !at.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(at), size = parseFloat(style.fontSize);
    const mark = at.closest('svg.sh');
    const fill = at.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const ground = mark && mark.firstElementChild !== at && getComputedStyle(mark.firstElementChild).fill !== 'none'
      ? rgb(getComputedStyle(mark.firstElementChild).fill) : behind(at);
    const [one, two] = [light(rgb(fill)), light(ground)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 600);
    least = Math.min(least, ratio);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`"${text}" ${ratio.toFixed(2)} to 1`);
  }
  return { wrong, least };
}

export function targets() {
  const wrong = [];
  for (const at of document.querySelectorAll('a,button,summary,input,select')) {
    if (!at.checkVisibility({ visibilityProperty: true })) continue;
    const { width, height } = at.getBoundingClientRect();
    if (width < 44 || height < 44) wrong.push(`"${at.textContent.trim() || at.ariaLabel}" is ${Math.round(width)} by ${Math.round(height)}`);
  }
  return wrong;
}

// Every state is told by a shape and a word.
export function colourAlone() {
  const wrong = [];
  for (const mark of document.querySelectorAll('.mark')) if (!mark.querySelector('svg') || !mark.textContent.trim()) wrong.push(`a mark without shape or word: ${mark.outerHTML}`);
  for (const row of document.querySelectorAll('.par:not([data-state=calm])')) if (!row.querySelector('.mark svg')) wrong.push(`no mark: ${row.dataset.point}`);
  for (const row of document.querySelectorAll('.par')) if (!row.querySelector('[id$=-word]').textContent.trim()) wrong.push(`no word: ${row.dataset.point}`);
  for (const card of document.querySelectorAll('.attn [data-call]')) if (!card.querySelector('svg.sh') || !card.querySelector('b').textContent) wrong.push(`a call without shape: ${card.textContent}`);
  for (const piece of document.querySelectorAll('.rec :is(.warn,.alarm)[data-piece]')) if (!piece.querySelector('svg.sh')) wrong.push(`colour alone: ${piece.textContent}`);
  return wrong;
}

// Nothing inline, nothing from elsewhere.
export function foreign() {
  const wrong = [];
  for (const at of document.querySelectorAll('[style],style,script:not([src])')) wrong.push(`inline: ${at.outerHTML.slice(0, 80)}`);
  for (const at of document.querySelectorAll('*')) for (const { name, value } of at.attributes) {
    if (/^on/.test(name)) wrong.push(`inline: ${name}`);
    if (/^(https?:)?\/\//.test(value)) wrong.push(`elsewhere: ${name}=${value}`);
  }
  for (const { name } of performance.getEntriesByType('resource')) if (new URL(name).origin !== location.origin) wrong.push(`loaded from elsewhere: ${name}`);
  return wrong;
}

export const lost = () => getComputedStyle(document.querySelector('.lost')).visibility === 'visible';
