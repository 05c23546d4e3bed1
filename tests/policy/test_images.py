"""Which pictures may leave with a read: what every layer permits, and nothing that shows a field which is kept back."""

# ruff: noqa: E501  tables read best with one case a line

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from edge.errors import PolicyError
from edge.labeler.scope import label
from edge.policy.cases import run_cases
from edge.policy.check import findings
from edge.policy.decide import decide
from edge.policy.explain import explain, explain_pack
from edge.policy.layers import combine
from edge.policy.load import bundled_packs, load_pack, parse_layer
from edge.policy.pack import LoadedLayer, Pack
from edge.records import Hit, ImageScope, Release
from tests.policy.situations import NOW, STOLEN, labeled, pack_text, relabelled
from tests.policy.test_layers import layer, rule

SCOPES: tuple[ImageScope, ...] = ("none", "crop", "crop-and-frame")
FIELDS = 'keep = ["plate-text", "plate-region", "position", "time", "device"]'
EVERY_FIELD = (
    'keep = ["plate-text", "plate-region", "plate-image", "vehicle-image", "occupant-image", "position", "time", "device"]'
)
RULE = '[images]\nid = "ct-images"\nclause = "none: choice of this test"\nevidence = "choice"\nverified = false\nwords = "test"\npermit = "{permit}"\nreads = "{reads}"\n\n'


def state(permit: str, reads: str = "all", fields: str = EVERY_FIELD) -> LoadedLayer:
    """Connecticut's pack, had it a rule that permits pictures."""
    edits = ((FIELDS, fields), ("[match]\n", RULE.format(permit=permit, reads=reads) + "[match]\n"))
    return parse_layer("`test`", pack_text(*edits).encode())


def town(permit: str, reads: str = "all", name: str = "town") -> LoadedLayer:
    return layer(rule("[images]", f'permit = "{permit}"\nreads = "{reads}"', f"{name}-rule"), name=name)


def leave(pack: Pack, hit: Hit | None = None) -> ImageScope:
    decision = decide(labeled(pack, hit=hit), pack)
    assert isinstance(decision, Release), decision
    return decision.images


@pytest.mark.parametrize("name", bundled_packs())
def test_under_no_shipped_pack_does_a_picture_leave(name: str) -> None:
    """Neither with a hit, nor when an agency's layer would like it: a layer narrows, and there is nothing to narrow."""
    pack = load_pack(name)
    assert (pack.images_for(hit=True), pack.images_for(hit=False)) == ("none", "none")
    wider = combine([*pack.layers, town("crop-and-frame")])
    assert (wider.images_for(hit=True), wider.images_for(hit=False)) == ("none", "none")


@pytest.mark.parametrize(("permit", "other"), [*product(SCOPES, SCOPES)])
def test_of_two_layers_the_one_that_permits_fewer_wins(permit: ImageScope, other: ImageScope) -> None:
    """Whichever of the two it is."""
    pack = combine([state(permit), town(other)])
    assert leave(pack) == min(permit, other, key=SCOPES.index)


def test_pictures_of_hits_alone_are_of_hits_alone() -> None:
    """Also where only one layer says so."""
    for pack in (combine([state("crop", "hits")]), combine([state("crop"), town("crop-and-frame", "hits")])):
        assert (leave(pack), leave(pack, STOLEN)) == ("none", "crop")


NARROWED = {
    "the plate's picture is kept back": (EVERY_FIELD.replace('"plate-image", ', ""), "none"),
    "the state, which a crop shows, is kept back": (EVERY_FIELD.replace('"plate-region", ', ""), "none"),
    "who sits in the car is kept back": (EVERY_FIELD.replace('"occupant-image", ', ""), "crop"),
    "the vehicle is kept back": (EVERY_FIELD.replace('"vehicle-image", ', ""), "crop"),
    "the place is coarse": (EVERY_FIELD + '\ncoarsen = ["position"]', "crop"),
    "the place is kept back": (EVERY_FIELD.replace('"position", ', ""), "crop"),
    "nothing is kept back": (EVERY_FIELD, "crop-and-frame"),
}


@pytest.mark.parametrize(("fields", "left"), NARROWED.values(), ids=NARROWED)
def test_no_picture_shows_what_its_read_may_not_say(fields: str, left: str) -> None:
    """A picture of the street tells the place and who is in it, one of the plate the state."""
    assert leave(combine([state("crop-and-frame", fields=fields)])) == left
    with_layer = combine([state("crop-and-frame"), layer(rule("[fields]", fields))])
    assert leave(with_layer) == left


@pytest.mark.parametrize("obligation", ["drop-image", "blur-image"])
def test_what_must_be_dropped_or_blurred_is_not_made(obligation: str) -> None:
    """No program can promise that it blurred every face."""
    asks = rule("[[obligations]]", f'obligation = "{obligation}"\nby = "unit"')
    assert leave(combine([state("crop-and-frame"), layer(asks)])) == "none"


def test_a_label_that_leaves_out_a_field_keeps_its_read_without_pictures() -> None:
    """A label may be narrower than its pack; then it is not known what else was meant to stay."""
    pack = combine([state("crop")])
    made = labeled(pack)
    narrower = relabelled(made, fields=tuple(field for field in made.label.fields if field != "plate-image"))
    decision = decide(narrower, pack)
    assert isinstance(decision, Release)
    assert decision.images == "none"


def test_a_word_that_is_not_known_is_refused_with_its_line() -> None:
    """As everywhere in a pack."""
    with pytest.raises(PolicyError, match="permit"):
        layer(rule("[images]", 'permit = "everything"\nreads = "all"'))


def test_the_rule_is_told_wherever_a_pack_is_told() -> None:
    """In the label, the explanation of a decision and of the pack; a rule that permits in vain is noted."""
    pack = combine([state("crop-and-frame", "hits"), town("crop")])
    decision = decide(labeled(pack, hit=STOLEN), pack)
    assert isinstance(decision, Release)
    assert {"ct-images", "town-rule"} <= set(decision.labeled.label.rules)
    assert any("pictures that may go with it: the plate's own [ct-images" in line for line in explain(decision, pack))
    assert any("the plate's own, with hits [ct-images" in line for line in explain_pack(pack))
    assert any(found.rule == "ct-images" and "permits more pictures" in found.words for found in findings(pack, NOW))


def test_a_case_may_say_which_pictures_leave(tmp_path: Path) -> None:
    """And fails where others do."""
    case = '\n[[cases]]\nname = "pictures of hits"\nclause = "test"\nat = 2026-11-01T12:00:00Z\nexpect = "release"\nimages = "{images}"\n'
    for images, passes in (("none", True), ("crop", False)):
        text = pack_text((FIELDS, EVERY_FIELD), ("[match]\n", RULE.format(permit="crop", reads="hits") + "[match]\n"))
        path = tmp_path / f"{images}.toml"
        path.write_text(text + case.format(images=images), encoding="utf-8")
        (result,) = [each for each in run_cases(load_pack(path), label) if each.name == "pictures of hits"]
        assert result.passed == passes
