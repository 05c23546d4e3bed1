"""The record for people: one page of HTML that prints on paper, with its pictures inside and nothing from outside."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape

from calibration.formulas import shutter_words
from calibration.records import Interval, Measure, Record

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1d2126;max-width:60em;margin:2em auto;padding:0 1em}
h1{font-size:1.5em;margin:0}h2{font-size:1.1em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3em .6em;
border-bottom:1px solid #dde}
.PASS,.WARN,.FAIL,.UNKNOWN{font-weight:700;white-space:nowrap}
.PASS{color:#0b6b2d}.WARN{color:#8a5a00}.FAIL{color:#b00020}.UNKNOWN{color:#555}
small,.source{color:#555;font-size:.86em}img{max-width:100%;border:1px solid #ccd}figure{margin:1em 0}
.num{white-space:nowrap}
@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}tr,figure{break-inside:avoid}}
"""
_CAPTIONS = {
    "scene.jpg": "The still scene, with lane, masks and the places of the card",
    "predict.png": "Predicted share of plates read whole, from rendered plates through the installed models; red: today",
    "lens.png": "Residuals of the lens, fifty times as long",
}


def report_html(record: Record, record_id: str, pictures: Mapping[str, bytes]) -> str:
    """The whole page.  ``pictures`` are PNG or JPEG by name; only those whose SHA-256 stands in the record are shown."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>Calibration of {escape(record.camera)}</title><style>{_STYLE}</style>",
        f"<h1>Calibration of camera {escape(record.camera)}</h1>",
        f"<p>Unit {escape(record.device)} · {record.made:%Y-%m-%d %H:%M} UTC · by {escape(record.technician)} · "
        f"{'infra-red' if record.light == 'infrared' else 'day'} · {record.plates} passes measured<br>"
        f"<small>Record {escape(record_id)}, named in every read made under it; signed by the unit's key; "
        f"{escape(record.software)}</small></p>",
        "<h2>Measured</h2>",
        _measures(record.measures),
        *(("<h2>At night</h2>", _measures(record.night)) if record.night else ()),
        *_facts(record),
        *_findings(record),
    ]
    for name, data in pictures.items():
        if name in record.pictures:
            kind = "png" if name.endswith(".png") else "jpeg"
            coded = base64.b64encode(data).decode()
            caption = _CAPTIONS.get(name, name.rsplit(".", 1)[0].replace("-", " "))
            parts.append(
                f'<figure><img alt="" src="data:image/{kind};base64,{coded}"><figcaption><small>{escape(caption)}</small>'
                "</figcaption></figure>"
            )
    return "".join(parts) + "</html>\n"


def shown_value(line: Measure) -> str:
    """``131 px``, ``12 to 31 °`` or a dash."""
    if line.value is not None and line.name == "shutter":
        return shutter_words(line.value)
    if line.value is not None:
        return f"{_figure(line.value)} {line.unit}".strip()
    if line.low is not None and line.high is not None:
        return f"{_figure(line.low)} to {_figure(line.high)} {line.unit}".strip()
    return "–"


def _measures(lines: tuple[Measure, ...]) -> str:
    rows = "".join(
        f"<tr><td class={line.verdict}>{line.verdict}<td>{escape(line.name.replace('_', ' '))}<td class=num>"
        f"{escape(shown_value(line))}<td class=num>{escape(line.target)}<td>{escape(line.words)}"
        f"<div class=source>{escape(line.source)}</div>"
        for line in lines
    )
    return f"<table><tr><th><th>what<th>measured<th>target<th>what to do, and whose target it is{rows}</table>"


def _facts(record: Record) -> list[str]:
    """Lens, lane, prediction and proof in a sentence each."""
    facts = []
    if record.lens is not None:
        lens = record.lens
        facts.append(
            f"Lens: focal length {lens.fx:.0f} x {lens.fy:.0f} px, axis {lens.cx:.0f}, {lens.cy:.0f}, distortion k1 "
            f"{lens.distortion[0]:.3f}, k2 {lens.distortion[1]:.3f}; fit {lens.rms_px:.2f} px over {lens.views} views."
        )
    if record.geometry is not None:
        near, far = record.geometry.near, record.geometry.far
        facts.append(
            f"Lane: from {near.distance_m:.1f} m ({near.width_px:.0f} px) to {far.distance_m:.1f} m ({far.width_px:.0f} px); "
            f"the plate is seen from {_angle(far.seen.yaw)} sideways and {_angle(far.seen.pitch)} from above at the far edge; "
            f"plates of {record.geometry.plate_px[0]:.0f} to {record.geometry.plate_px[1]:.0f} px are taken for real."
        )
    if record.prediction is not None:
        facts.append(f"Prediction: {record.prediction.words}.")
    if record.proof is not None:
        passes = record.proof.passes
        facts.append(
            f"Proof: {passes.hits} of {passes.total} passes of known plates were read whole "
            f"({passes.low:.0%} to {passes.high:.0%}, 95 % Wilson interval)."
        )
    return ["<h2>Found</h2>", *(f"<p>{escape(fact)}</p>" for fact in facts)] if facts else []


def _findings(record: Record) -> list[str]:
    if not record.findings:
        return []
    lines = "".join(f"<li>{escape(each.what)}: {escape(each.cure)}" for each in record.findings)
    return [f"<h2>To be seen to</h2><ul>{lines}</ul>"]


def _angle(angle: Interval) -> str:
    return f"{angle.low:.0f} to {angle.high:.0f}°" if angle.best is None else f"{angle.best:.0f}°"


def _figure(value: float) -> str:
    return (
        f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 0.1 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    )
