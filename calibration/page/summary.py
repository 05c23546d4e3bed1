"""What was done so far: in words for the page, and as the part that `plate-edge calibrate check` would leave."""

from __future__ import annotations

from collections.abc import Sequence

from calibration.check import Checked
from calibration.page.glance import Glance, Sight
from calibration.page.messages import Drawing
from calibration.records import Geometry, Measure, Prediction, Proof


def checked_of(camera: str, glance: Glance, sight: Sight, measures: tuple[Measure, ...]) -> Checked:
    """The live check: the traffic light, plates that passed, the look of the scene."""
    return Checked(
        source=f"live picture of {camera}",
        frame_size=sight.size,
        light=sight.light,
        frames=glance.looks,
        plates=glance.passes(),
        frames_a_pass=(),
        angles=sight.angles,
        mtf=sight.mtf,
        measures=measures,
        scenes=glance.scenes(),
    )


def summary_of(
    measures: Sequence[Measure],
    drawing: Drawing,
    geometry: Geometry | None,
    prediction: Prediction | None,
    proof: Proof | None,
) -> tuple[str, ...]:
    """What will stand in the record, and what will not."""
    good = sum(line.verdict == "PASS" for line in measures)
    lane = "not drawn: the whole picture counts" if drawing.lane is None else f"drawn, no-go areas {len(drawing.masks)}"
    cards = "not taken" if geometry is None else f"taken at {geometry.near.distance_m:.1f} to {geometry.far.distance_m:.1f} m"
    predicted = "not made" if prediction is None else f"{round(prediction.exact.share * 100)} of 100 such plates read exactly"
    driven = "not made" if proof is None else f"{proof.passes.hits} of {proof.passes.total} passes read"
    return (
        f"Measures: {good} of {len(measures)} on target" if measures else "Measures: none yet",
        f"Lane: {lane}",
        f"Card: {cards}",
        f"Prediction: {predicted}",
        f"Drive-by: {driven}",
    )
