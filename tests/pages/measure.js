/* SPDX-License-Identifier: MIT */
/* Measures a page that is open in a browser: its width, and the contrast of its texts. */

function luminance([r, g, b]) {
    /* WCAG 2.1, relative luminance */
    const part = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}

function contrast(a, b) {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function colourOf(element) {
    const style = getComputedStyle(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    const found = text.match(/^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/);
    return found && {rgb: found.slice(1, 4).map(Number), alpha: found[4] ? Number(found[4]) : 1};
}

/* The texts that are seen, without scrolling sideways: where they are, and their colour. */
function findTexts() {
    const list = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        if (!node.data.trim() || !parent.checkVisibility({opacityProperty: true})) continue;
        if (parent.closest('title,desc,style,defs')) continue;
        const range = document.createRange(), scroll = parent.closest('.scroll');
        const edge = scroll ? scroll.getBoundingClientRect() : {left: 0, right: innerWidth};
        range.selectNodeContents(node);
        for (const box of range.getClientRects())
            if (box.width > 1 && box.height > 1 && box.left >= edge.left && box.right <= edge.right)
                list.push({text: node.data.trim().slice(0, 40), colour: colourOf(parent),
                           box: [box.left + scrollX, box.top + scrollY, box.width, box.height]});
    }
    return list;
}

let texts;

/* Hides all texts, so that a picture shows what is behind them. */
function hideTexts() {
    document.querySelectorAll('details').forEach(d => d.open = true);
    texts = findTexts();
    document.querySelectorAll('svg').forEach(s => s.style.color = getComputedStyle(s).color);
    const style = document.createElement('style');
    style.textContent = 'body *:not(svg, svg *){color:transparent!important}' +
        'text,tspan{fill:transparent!important;stroke:transparent!important}' +
        '::marker{color:transparent!important}';
    document.head.append(style);
}

/* The texts whose contrast with a quarter of what is behind them is below `least`; png: the part of
 * the page that begins at `top`. Texts that are not wholly in it are left out. */
async function lowContrast(png, top, least) {
    const image = new Image(), canvas = document.createElement('canvas');
    image.src = 'data:image/png;base64,' + png;
    await image.decode();
    canvas.width = image.width;
    canvas.height = image.height;
    const drawing = canvas.getContext('2d', {willReadFrequently: true}), low = [];
    drawing.drawImage(image, 0, 0);
    const all = drawing.getImageData(0, 0, image.width, image.height).data;
    for (const one of texts) {
        const [x, y, w, h] = [one.box[0], one.box[1] - top, one.box[2], one.box[3]].map(Math.round);
        if (x < 0 || y < 0 || x + w > image.width || y + h > image.height) continue;
        one.seen = true;
        const found = one.colour ? [] : [0];
        for (let row = y; one.colour && row < y + h; row += 2)
            for (let i = 4 * (row * image.width + x), end = i + 4 * w; i < end; i += 8) {
                const behind = [all[i], all[i + 1], all[i + 2]], alpha = one.colour.alpha;
                const mixed = one.colour.rgb.map((c, k) => c * alpha + behind[k] * (1 - alpha));
                found.push(contrast(mixed, behind));
            }
        found.sort((a, b) => a - b);
        const value = found[Math.floor(found.length / 4)];
        if (value < least)
            low.push(`"${one.text}" ${value.toFixed(2)} at ${x},${y + top}`);
    }
    return low;
}

/* How many texts were in a picture, and how many were in none. */
function countTexts() {
    const seen = texts.filter(t => t.seen).length;
    return {seen, missed: texts.length - seen};
}

/* What reaches beyond the page's right edge. */
function tooWide() {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
        e => e.getBoundingClientRect().right > page.clientWidth + 0.5 && !e.closest('.scroll'));
    return wide.slice(0, 5).map(e => e.tagName + '.' + (e.getAttribute('class') || '') + ' ' +
                                e.textContent.trim().slice(0, 40))
        .concat([page.scrollWidth + ' > ' + page.clientWidth]);
}

/* The smallest text, in pixels as they are on the screen. */
function smallest() {
    return Math.min(...[...document.querySelectorAll('svg text')].map(e => {
        const matrix = e.getScreenCTM();
        return parseFloat(getComputedStyle(e).fontSize) * Math.hypot(matrix.a, matrix.b);
    }), 100);
}
