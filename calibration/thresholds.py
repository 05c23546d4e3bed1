"""The figures that a camera is measured against, each with whose it is.

"Chosen here" marks a figure that no manual gives; all others are public manuals' and papers', as gathered in November 2026.
"""

from __future__ import annotations

from msgspec import Struct

MM_PER_INCH = 25.4
#: A US plate: 12 x 6 in (SAE J686); its strokes are about a quarter of an inch wide (Milestone XProtect LPR, plate width).
PLATE_WIDTH_MM = 304.8
PLATE_HEIGHT_MM = 152.4
STROKE_MM = 6.35


class Threshold(Struct, frozen=True, kw_only=True):
    """On target up to (or from) ``good``; beyond ``limit`` it will not do; between them it works with loss."""

    good: float
    limit: float
    source: str


PLATE_WIDTH_PX = Threshold(
    good=130.0, limit=70.0, source="Milestone XProtect LPR, plate width: 130 px for a US plate; OpenALPR us.conf: 70 px"
)
STROKE_PX = Threshold(
    good=2.7, limit=2.0, source="Milestone XProtect LPR: 2.7 px a stroke; Axis, License plate capture (2021): 2 px"
)
HORIZONTAL_DEG = Threshold(
    good=20.0, limit=30.0, source="Axxon Auto-Uragan and Paxton: at most 20° sideways; Trassir, Rugged-CCTV: 30° with loss"
)
VERTICAL_DEG = Threshold(
    good=25.0, limit=35.0, source="Paxton: at most 25° from above; eocortex, SecurityInfoWatch: 35° with loss"
)
ROLL_DEG = Threshold(good=10.0, limit=20.0, source="Axxon Auto-Uragan: at most 10° of roll; Axxon RR: 20°")
SUM_DEG = Threshold(good=40.0, limit=40.0, source="Paxton: both angles together at most 40°")
CONTRAST = Threshold(good=0.20, limit=0.10, source="Axxon VT: at least 10 % (25 of 256 levels); twice that chosen here")
LOST_AREA = Threshold(
    good=0.12, limit=0.50, source="Axxon VT: at most 12 % of the plate lost (said of dirt); one half chosen here"
)
NOISE_STEP = Threshold(
    good=10.0, limit=5.0, source="Rose criterion (1948): a step five times the noise is surely seen; ten chosen here"
)
FOCUS_SHARE = Threshold(good=0.90, limit=0.70, source="chosen here: no absolute focus figure carries from scene to scene")
MTF = Threshold(
    good=0.30, limit=0.15, source="slanted edge (ISO 12233) at 0.185 cycles/px, one stroke of 2.7 px; 0.3 chosen here"
)
MTF_CYCLES_PER_PX = 1 / (2 * 2.7)
BLUR_STROKES = Threshold(
    good=1 / 2.7, limit=1.0, source="derived: at most one stroke of blur, 1 px good where a stroke has 2.7 px"
)
#: Milestone's and Axxon's table of shutter against speed is 25 mm of travel in an exposure: t = 1/(11 v km/h) = 1/(18 v mph).
TRAVEL_MM = 1000 / 3.6 / 11
SHUTTER_SOURCE = "Milestone, lens and shutter: t = 1/(11·v km/h) = 1/(18·v mph)"
READS_WANTED = 3
FRAMES_ON_PLATE = Threshold(
    good=3.0, limit=2.0, source="eocortex: each plate seen three times; L·fps/v reproduces Rekor's bands"
)
LENS_RMS_PX = Threshold(
    good=0.5, limit=1.0, source="usual practice with ChArUco boards: below 0.5 px good, above 1 px rejected"
)
ASPECT = Threshold(good=0.10, limit=0.20, source="Axxon VT: aspect distortion at most 10 %; twice that chosen here")
EXACT_RATE = Threshold(good=0.90, limit=0.70, source="chosen here; UK NASPLE asks 95 % of plates captured")
