"""Packs, labels and decisions in plain lines, each with the rule and the clause it rests on.  No plate is ever shown."""

from __future__ import annotations

from collections.abc import Iterator

from edge.policy.pack import Pack
from edge.policy.rules import Rule
from edge.records import ImageScope, Label, LabeledRead, Reason, Recipient, Release, Withhold


def explain(subject: Release | Withhold | LabeledRead | Label, pack: Pack) -> tuple[str, ...]:
    """What was decided and labelled, in plain lines; ``pack`` is the one that decided, so that clauses can be looked up."""
    if isinstance(subject, Withhold):
        head = f"{subject.subject} is withheld:"
        return (head, *(f"  {_reason(reason, pack)}" for reason in subject.reasons))
    if isinstance(subject, Release):
        head = f"{subject.labeled.read.id} may leave the unit:"
        rests = (f"  {cited(rule, pack)}" for rule in subject.rules)
        pictures = f"  pictures that may go with it: {images_in_words(subject.images)} [{_images_basis(pack)}]"
        return (head, *rests, pictures, *_label(subject.labeled.label, pack))
    return tuple(_label(subject.label if isinstance(subject, LabeledRead) else subject, pack))


def explain_pack(pack: Pack) -> tuple[str, ...]:
    """The whole pack in plain lines: identity, every rule with its clause and evidence, open questions, the note."""
    identity = pack.identity
    until = identity.effective_until.isoformat() if identity.effective_until else "until further notice"
    verified = f"{identity.verified_by} on {identity.verified_on}" if identity.verified_by else "nobody yet"
    return (
        f"{identity.id} {identity.version}: {identity.title}",
        f"statute: {identity.statute}",
        f"in force: {identity.effective_from.isoformat()} to {until}",
        f"compared with the enacted text by: {verified}",
        f"sha256: {pack.sha256}",
        *(cited(rule.id, pack) for rule in pack.rules()),
        f"pictures that may leave: {pictures_in_words(pack)} [{_images_basis(pack)}]",
        *(f"open: {each.question} Meanwhile: {each.meanwhile}" for layer in pack.layers for each in layer.says.open_questions),
        identity.note,
    )


_IN_WORDS: dict[ImageScope, str] = {
    "none": "none",
    "crop": "the plate's own",
    "crop-and-frame": "the plate's own and the street's",
}


def images_in_words(scope: ImageScope) -> str:
    """Which pictures these are."""
    return _IN_WORDS[scope]


def pictures_in_words(pack: Pack) -> str:
    """Which pictures may leave under ``pack``, with hits and with other reads."""
    hits, others = pack.images_for(hit=True), pack.images_for(hit=False)
    if pack.demands("hits-only") or hits == others:
        return _IN_WORDS[hits] + (", with hits" if pack.demands("hits-only") and hits != "none" else "")
    return f"{_IN_WORDS[hits]}, with hits" + ("" if others == "none" else f"; {_IN_WORDS[others]}, with other reads")


def _images_basis(pack: Pack) -> str:
    return "; ".join(_basis(rule.id, pack) for rule in pack.images) or "no rule of the pack permits any"


def cited(rule_id: str, pack: Pack) -> str:
    """One rule as a line: what it says, its id, its clause, and how well that is known."""
    rule = pack.rule(rule_id)
    if rule is None:
        return f"{rule_id}: a rule of the program, not of the pack"
    return f"{rule.words} [{rule.id}; {rule.clause}; {_known(rule)}]"


def _known(rule: Rule) -> str:
    if rule.evidence == "choice":
        return "a choice, not the law"
    return "verified" if rule.verified else f"unverified, {rule.evidence} evidence"


def _reason(reason: Reason, pack: Pack) -> str:
    rule = pack.rule(reason.rule)
    return f"{reason.words} [{reason.rule}; {reason.clause}; {_known(rule) if rule else 'rule of the program'}]"


def _label(label: Label, pack: Pack) -> Iterator[str]:
    yield f"  pack {', '.join(f'{layer.id} {layer.version}' for layer in label.layers)}, {label.jurisdiction}"
    if label.pack_sha256 != pack.sha256:
        yield "  labelled under another pack than the one at hand: clauses below may not be the ones that decided"
    yield f"  owner {label.owner}; {label.classification}; delete after {label.delete_after.isoformat()}"
    for recipient in label.recipients:
        yield f"  {_recipient(recipient, pack)}"
    yield f"  may be used for: {', '.join(label.purposes_permitted)}"
    yield f"  must not be used for: {', '.join(label.purposes_barred)}"
    yield f"  to be done: {', '.join(label.obligations)}"
    yield f"  binds whoever gets it: {', '.join(label.onward_duties)}"


def _recipient(recipient: Recipient, pack: Pack) -> str:
    who = f"{recipient.party} ({recipient.recipient})" if recipient.party else recipient.recipient
    when = "gets its copy now" if recipient.now else f"asks the owner ({doors_in_words(recipient)})"
    return f"{who} {when} [{'; '.join(_basis(rule_id, pack) for rule_id in recipient.rules)}]"


def doors_in_words(recipient: Recipient) -> str:
    """What has to be shown: one gate of every door."""
    return ", and ".join(" or ".join(door) for door in recipient.doors)


def _basis(rule_id: str, pack: Pack) -> str:
    rule = pack.rule(rule_id)
    return f"{rule_id}; {rule.clause}; {_known(rule)}" if rule else rule_id
