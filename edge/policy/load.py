"""Read a pack and refuse it as a whole when anything in it is unknown, missing or against itself."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct, inspect

from edge.errors import PolicyError
from edge.policy.agreements import Agreement, AgreementsText
from edge.policy.layers import SECONDS, combine
from edge.policy.lines import located
from edge.policy.pack import Layer, LoadedLayer, Pack
from edge.policy.rules import Duration, HotListRule, Unit
from edge.policy.words import nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# A pack is small enough to print; more is a mistake or an attack on the unit's memory.
_MAX_BYTES = 1 << 20
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_BUNDLED_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_UNITS: tuple[str, ...] = Unit.__args__  # type: ignore[attr-defined]
# No law seen keeps plates for more than 5 years; a longer time than a century is a slip of the pen.
_LONGEST_S = 100 * 366 * 86_400
_DURATION = re.compile(r"(\d+) *([a-z]+)")
_S = TypeVar("_S", bound=Struct)


def load_pack(*names_or_paths: str | Path, agreements: Path | None = None) -> Pack:
    """Read a bundled pack by name (``us-ct``) or any pack by its path, with the layers that narrow it, and the agreements.

    Raises PolicyError, naming the file, the line or key and the nearest known word, if anything cannot be read, says something
    unknown or contradicts itself; there is never a part of a pack or an empty one.
    """
    papers = load_agreements(agreements) if agreements is not None else ()
    layers = [load_layer(each) for each in names_or_paths]
    try:
        return combine(layers, papers)
    except PolicyError as error:
        raise PolicyError(f"{error} (read from {', '.join(map(str, names_or_paths))})") from error


def load_layer(name_or_path: str | Path) -> LoadedLayer:
    """Read one file of rules.  Raises PolicyError as :func:`load_pack` does."""
    source, data = read_source(name_or_path)
    return parse_layer(source, data)


def parse_layer(source: str, data: bytes) -> LoadedLayer:
    """The rules in the bytes of a file; ``source`` names it in errors.  Raises PolicyError as :func:`load_pack` does."""
    layer = _parse(f"read pack {source}", data, Layer)
    text = data.decode("utf-8")
    wrong = tuple(located(each, text) for each in _contradictions(layer))
    if wrong:
        raise PolicyError(f"read pack {source}: {'; '.join(wrong)}")
    return LoadedLayer(says=layer, sha256=hashlib.sha256(data).hexdigest())


def load_agreements(path: Path) -> tuple[Agreement, ...]:
    """Read a file of agreements.  Raises PolicyError naming the file and the key."""
    _, data = read_source(path)
    return parse_agreements(str(path), data)


def parse_agreements(source: str, data: bytes) -> tuple[Agreement, ...]:
    """The agreements in the bytes of a file.  Raises PolicyError naming ``source`` and the key."""
    doing = f"read agreements {source}"
    papers = _parse(doing, data, AgreementsText).agreements
    for paper in papers:
        if paper.ends <= paper.starts:
            raise PolicyError(f"{doing}: `{paper.party}`: `ends` is not after `starts`; it would never be in force")
        if paper.now and not _is_p256(paper.seal_key):
            raise PolicyError(f"{doing}: `{paper.party}`: `now` needs a `seal_key`: a P-256 public key in PEM")
    return papers


def _is_p256(pem: str) -> bool:
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def bundled_packs() -> tuple[str, ...]:
    """The names of the packs that come with the program."""
    folder = resources.files("edge.policy") / "packs"
    return tuple(sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml")))


def read_source(name_or_path: str | Path) -> tuple[str, bytes]:
    """What to call a pack or another small file of policy in errors, and its bytes.  Raises PolicyError."""
    if isinstance(name_or_path, str) and _BUNDLED_NAME.fullmatch(name_or_path):
        if name_or_path not in bundled_packs():
            hint = nearest(name_or_path, bundled_packs())
            raise PolicyError(f"read pack `{name_or_path}`: no bundled pack has that name; {hint}")
        item = resources.files("edge.policy") / "packs" / f"{name_or_path}.toml"
        return f"`{name_or_path}`", item.read_bytes()
    path = Path(name_or_path)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"read pack {path}: {error.strerror or error}; name a bundled pack or a TOML file") from error
    if len(data) > _MAX_BYTES:
        raise PolicyError(f"read pack {path}: larger than {_MAX_BYTES} bytes; a pack is small enough to print")
    return str(path), data


def _parse(doing: str, data: bytes, wanted: type[_S]) -> _S:
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise PolicyError(f"{doing}: it is not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{doing}: not valid TOML: {error}") from error
    except (RecursionError, ValueError) as error:
        raise PolicyError(f"{doing}: it is no pack: nested too deeply, or a number of absurd length") from error

    text = data.decode("utf-8")

    def refuse(message: str) -> PolicyError:
        return PolicyError(f"{doing}: {located(message, text)}")

    checked = _known(raw, inspect.type_info(wanted), "", refuse)
    try:
        return msgspec.convert(checked, wanted)
    except msgspec.ValidationError as error:
        raise refuse(_plain(str(error))) from error


def _plain(message: str) -> str:
    """msgspec's ``… - at `$.retention[0].longest``` as ``` `retention[0].longest`: …```."""
    found = re.fullmatch(r"(.*?) - at `\$\.?(.*)`", message, re.DOTALL)
    return f"`{found[2]}`: {found[1]}" if found and found[2] else message


def _known(raw: Any, wanted: inspect.Type, where: str, refuse: Callable[[str], PolicyError]) -> Any:
    """``raw`` with its durations in one form; refuses unknown keys and words with the nearest known one.  Wrong types pass:
    msgspec names those well itself."""
    if isinstance(wanted, inspect.Metadata):
        return _known(raw, wanted.type, where, refuse)
    if isinstance(wanted, inspect.UnionType):
        some = [kind for kind in wanted.types if not isinstance(kind, inspect.NoneType)]
        return _known(raw, some[0], where, refuse)
    if isinstance(wanted, inspect.LiteralType) and isinstance(raw, str) and raw not in wanted.values:
        raise refuse(f"`{where}`: unknown word `{raw}`; {nearest(raw, [str(value) for value in wanted.values])}")
    if isinstance(wanted, inspect.VarTupleType) and isinstance(raw, list):
        return [_known(item, wanted.item_type, f"{where}[{index}]", refuse) for index, item in enumerate(raw)]
    if isinstance(wanted, inspect.StructType):
        if wanted.cls is Duration:
            return _duration(raw, where, refuse)
        if isinstance(raw, dict):
            return _known_keys(raw, wanted, where, refuse)
    return raw


def _known_keys(
    raw: dict[str, Any], wanted: inspect.StructType, where: str, refuse: Callable[[str], PolicyError]
) -> dict[str, Any]:
    fields = {field.name: field.type for field in wanted.fields}
    result: dict[str, Any] = {}
    for key, value in raw.items():
        place = f"{where}.{key}" if where else key
        if key not in fields:
            raise refuse(f"`{place}`: unknown key; {nearest(key, list(fields))}")
        result[key] = _known(value, fields[key], place, refuse)
    return result


def _duration(raw: Any, where: str, refuse: Callable[[str], PolicyError]) -> dict[str, Any]:
    """``{ days = 21 }`` or ``"21 days"``; a bare number has no unit and is refused."""
    cure = 'write it with its unit, like `{ days = 21 }` or `"21 days"`'
    if isinstance(raw, str):
        found = _DURATION.fullmatch(raw.strip())
        if not found:
            raise refuse(f"`{where}`: `{raw}` is no duration; {cure}")
        amount, unit = int(found[1][:20]), found[2]
        unit = unit if unit.endswith("s") else f"{unit}s"
    elif isinstance(raw, dict) and len(raw) == 1:
        unit, amount = next(iter(raw.items()))
    else:
        raise refuse(f"`{where}`: a duration needs one number and one unit; {cure}")
    if unit not in _UNITS:
        raise refuse(f"`{where}`: unknown unit `{unit}`; {nearest(unit, list(_UNITS))}")
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 1:
        raise refuse(f"`{where}`: a duration must be a whole number of at least 1; {cure}")
    if amount * SECONDS[unit] > _LONGEST_S:
        raise refuse(f"`{where}`: longer than a century; check the number and its unit")
    return {"amount": amount, "unit": unit}


def _contradictions(text: Layer) -> Iterator[str]:
    """What types cannot say: each yields one plain sentence."""
    yield from _wrong_identity(text)
    yield from _wrong_ids(text)
    yield from _wrong_purposes(text)
    yield from _wrong_recipients(text)
    yield from _wrong_times(text)
    if text.hotlist is not None:
        yield from _wrong_hotlist(text.hotlist)


def _wrong_hotlist(rule: HotListRule) -> Iterator[str]:
    for bar in rule.bar:
        if not (bar.topics or bar.sources or bar.terms):
            yield f"`hotlist.bar` `{bar.id}` bars nothing; name topics, sources or terms"
        for term in bar.terms:
            if not re.search(r"[^\W_]", term):
                yield f"`hotlist.bar` `{bar.id}`: the term `{term}` has no letter and would bar everything"


def _wrong_identity(text: Layer) -> Iterator[str]:
    identity = text.identity
    if identity.effective_until is not None and identity.effective_until <= identity.effective_from:
        yield "`identity.effective_until` is not after `identity.effective_from`; the pack would never be in force"
    if (identity.verified_by == "") != (identity.verified_on is None):
        yield "`identity.verified_by` and `identity.verified_on` belong together; give both or neither"
    for rule in text.rules():
        if rule.verified and not identity.verified_by:
            yield f"rule `{rule.id}` is marked verified, but `identity.verified_by` names nobody who verified it"
        if rule.verified and rule.evidence != "primary":
            yield f"rule `{rule.id}` is marked verified on `{rule.evidence}` evidence; only the enacted text verifies a rule"


def _wrong_ids(text: Layer) -> Iterator[str]:
    counts = Counter(rule.id for rule in text.rules())
    for rule_id, count in counts.items():
        if count > 1:
            yield f"rule id `{rule_id}` is used {count} times; every rule needs its own"
        if not _RULE_ID.fullmatch(rule_id) or rule_id.startswith("engine-"):
            yield f"rule id `{rule_id}` must be small letters, digits, dots and hyphens, not beginning with `engine-`"
    for name, count in Counter(case.name for case in text.cases).items():
        if count > 1:
            yield f"case `{name}` stands {count} times; every case needs its own name"
    for case in text.cases:
        for named in (case.rule, case.refused_by):
            if named is not None and named not in counts and not named.startswith("engine-"):
                yield f"case `{case.name}` names rule `{named}`, which the pack does not have; {nearest(named, list(counts))}"


def _wrong_purposes(text: Layer) -> Iterator[str]:
    permitted = {rule.purpose for rule in text.purposes if rule.effect == "permit"}
    barred = {rule.purpose for rule in text.purposes if rule.effect == "bar"}
    if text.purposes and not permitted and text.identity.layer == "state":
        yield "no purpose is permitted, so nothing could ever be used; permit at least one purpose"
    for purpose in sorted(permitted & barred):
        ids = " and ".join(f"`{rule.id}`" for rule in text.purposes if rule.purpose == purpose)
        yield f"rules {ids}: purpose `{purpose}` is both permitted and barred; remove one of the two"


def _wrong_recipients(text: Layer) -> Iterator[str]:
    for rule in text.recipients or ():
        if "none" in rule.gates and len(rule.gates) > 1:
            yield f"recipient rule `{rule.id}`: gate `none` makes its other gates meaningless; remove one or the other"
        if rule.now and not {"none", "agreement", "declaration", "certification"} & set(rule.gates):
            yield f"recipient rule `{rule.id}`: a {' or '.join(rule.gates)} comes after capture, so `now` cannot be true"
        if rule.recipient == "out-of-state-law-enforcement" and not rule.jurisdictions:
            yield f"recipient rule `{rule.id}`: name the `jurisdictions` whose law enforcement is meant"


def _wrong_times(text: Layer) -> Iterator[str]:
    classes = {rule.applies_to for rule in text.retention}
    if classes and "any" not in classes and classes != {"hit", "non-hit"} and text.identity.layer == "state":
        missing = ({"hit", "non-hit"} - classes).pop()
        yield f"no `retention` rule binds a {missing} read; add one, or one that applies to `any`"
    clock = text.clock
    if clock is not None and (clock.untrusted == "shorten") != (clock.margin is not None):
        yield '`clock.margin` goes with `untrusted = "shorten"` and only with it'
    if clock is not None and (clock.untrusted == "hold") != (clock.hold is not None):
        yield '`clock.hold` goes with `untrusted = "hold"` and only with it'
    for rule in text.no_capture_hours:
        if not rule.hours.has_timezone():
            zone = rule.hours.timezone
            yield f"rule `{rule.id}`: `{zone}` is no time zone of this machine; write it like `America/New_York`"
