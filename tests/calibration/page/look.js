// What somebody in daylight with a thumb would stumble over, as a list of words; empty where there is nothing.
const found = [];
const number = (text) => { const m = text.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), alpha: m.length > 3 ? m[3] : 1 }; };
const luminance = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };
const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = number(getComputedStyle(e).backgroundColor); if (c.alpha > 0.99) return c.rgb; } return [255, 255, 255]; };
const visible = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && e.getBoundingClientRect().width > 1;
const name = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""} “${(e.textContent || "").trim().slice(0, 30)}”`;

for (const e of document.querySelectorAll("body *")) {
  if (!visible(e) || e.closest("svg") || e.closest("script, noscript")) continue;
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (own || ((e.tagName === "INPUT" || e.tagName === "TEXTAREA") && (e.value || e.placeholder))) {
    const seen = contrast(number(getComputedStyle(e).color).rgb, ground(e));
    if (seen < 7) found.push(`contrast ${seen.toFixed(1)}: ${name(e)}`);
  }
}
for (const e of document.querySelectorAll("button, a[href], input, textarea, select, summary, [role=button]")) {
  if (!visible(e)) continue;
  const box = e.getBoundingClientRect();
  if (box.width < 47.5 || box.height < 47.5) found.push(`target ${box.width.toFixed(0)} x ${box.height.toFixed(0)}: ${name(e)}`);
  const label = e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels.length && e.labels[0].textContent.trim());
  if (!label) found.push(`no label: ${name(e)}`);
}
for (const e of document.querySelectorAll("img")) if (visible(e) && !e.alt) found.push(`no words for a picture: ${e.src}`);
const wide = Math.max(document.documentElement.scrollWidth, innerWidth);
if (wide > screen.width + 1) found.push(`wider than the screen: ${wide} > ${screen.width}`);
return found;
