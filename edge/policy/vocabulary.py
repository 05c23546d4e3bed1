"""The closed vocabulary of packs.  A word that is not here is refused: a rule that is skipped silently is worse than a unit
that does not start.  Where the words come from: the statutes that ``packs/`` cites, NCIC's file names, XACML's and HL7's
separation of obligations from permissions."""

from __future__ import annotations

from typing import Literal

# What a rule rests on.  `primary`: the clause itself was read; `secondary`: a report that says it read it; `weak`: one
# source alone, or contradicted; `general`: common knowledge; `choice`: no law asks for it, the pack's author chose it.
Evidence = Literal["primary", "secondary", "weak", "general", "choice"]

LayerKind = Literal["state", "agency", "device"]

# How the public-records law treats data, from open to closed.
Classification = Literal["public", "confidential", "restricted"]

UnitKind = Literal["fixed", "mobile-attended", "mobile-unattended"]

Purpose = Literal[
    # permitted somewhere
    "hot-list-match",
    "active-investigation",
    "felony-investigation",
    "misdemeanor-investigation",
    "warrant",
    "missing-person",
    "stolen-vehicle",
    "wanted-person",
    "terrorism-watch-list",
    "human-trafficking",
    "public-safety",
    "public-safety-alert",
    "prosecution",
    "defence",
    "parking-enforcement",
    "toll-collection",
    "highway-usage-fee",
    "registration-enforcement",
    "traffic-infraction-enforcement",
    "commercial-vehicle-screening",
    "traffic-study",
    "registered-owner-request",
    "audit",
    # barred somewhere
    "immigration-enforcement",
    "reproductive-health-care-investigation",
    "gender-affirming-care-investigation",
    "health-care-monitoring",
    "first-amendment-activity",
    "protected-characteristics",
    "tracking-without-warrant",
    "personal-use",
    "sale",
]

RecipientClass = Literal[
    "in-state-law-enforcement",
    "in-state-agency",
    "out-of-state-law-enforcement",
    "federal-agency",
    "fusion-center",
    "prosecutor",
    "defence",
    "court",
    "attorney-general",
    "registered-owner",
    "vendor",
    "vendor-third-party",
    "private-entity",
    "public",
    "any-other",
]

# What somebody must show before a read is handed over.
Gate = Literal[
    "none",
    "request",
    "written-request",
    "declaration",
    "certification",
    "agreement",
    "consent",
    "subpoena",
    "court-order",
    "warrant",
    "watchlist-match",
    "emergency",
]

Obligation = Literal[
    # by the unit
    "sign-at-capture",
    "seal-to-owner",
    "confirm-hit-by-person",
    "count-without-plate",
    "hits-only",
    "counters-only",
    "forget-in-minutes",
    "drop-image",
    "blur-image",
    # by the owner
    "delete-by-date",
    "log-search-with-reason",
    "search-on-specific-facts",
    "keep-audit-trail",
    "audit-regularly",
    "report-yearly",
    "publish-policy",
    "register-unit",
    "train-operators",
]

OnwardDuty = Literal[
    "keep-label",
    "same-deletion-date",
    "barred-purposes-bind",
    "log-search-with-reason",
    "same-security",
    "no-onward-sharing",
    "no-sale",
    "no-transfer-without-written-consent",
]

ZoneCategory = Literal[
    "health-care",
    "reproductive-health-care",
    "immigration-facility",
    "school",
    "worship",
    "court",
    "food-bank",
    "shelter",
    "polling-place",
    "agency-choice",
]

Field = Literal[
    "plate-text",
    "plate-region",
    "plate-image",
    "vehicle-image",
    "vehicle-features",
    "occupant-image",
    "position",
    "time",
    "device",
]

Topic = Literal[
    "stolen-vehicle",
    "stolen-plate",
    "felony-vehicle",
    "wanted-person",
    "felony-warrant",
    "missing-person",
    "amber-alert",
    "silver-alert",
    "terrorism-watch-list",
    "protection-order",
    "extreme-risk-order",
    "supervised-release",
    "sex-offender",
    "violent-person",
    "gang",
    "protective-interest",
    "suspended-registration",
    "commercial-vehicle",
    "parking",
    "toll",
    "immigration",
    "immigration-violator",
    "reproductive-health-care",
    "gender-affirming-care",
    "first-amendment-activity",
]

Lift = Literal[
    "warrant",
    "court-order",
    "subpoena",
    "case-with-supervisor-approval",
    "active-investigation",
    "investigative-or-intelligence-record",
    "arrest-or-citation",
    "protective-custody",
    "wanted-or-missing-match",
    "prosecution",
    "civil-action",
    "preservation-request",
    "defence-request",
    "toll",
    "parking",
    "highway-usage-fee",
    "commercial-vehicle",
]

# What a reading or a record is, for retention and minimum keeps.
ReadClass = Literal["any", "hit", "non-hit"]
RecordClass = Literal["reads", "audit-log", "search-log", "statistics", "declarations"]
PublicRecord = Literal["plate-data", "camera-locations", "audits", "search-log", "usage-counts", "policy"]
Publicity = Literal["confidential", "public", "public-redacted"]
Searcher = Literal["owner", "owner-under-warrant", "other-agency"]
CountedBy = Literal["total", "rule", "list", "category", "hour", "camera", "recipient"]
Counted = Literal["reads", "hits", "withheld", "released", "frames-not-captured", "searches", "shares", "outcomes"]
