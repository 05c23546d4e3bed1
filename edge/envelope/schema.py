"""The schemas of what goes over the wire, made from the Structs: ``python -m edge.envelope.schema`` writes them anew.

JSON Schema 2020-12 for the parts, AsyncAPI 3.0 for the topics.  The files in ``schema/`` are what other languages build
from; a test keeps them equal to the Structs.
"""

from __future__ import annotations

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from edge.envelope.interface import (
    Anchor,
    Header,
    PartHeader,
    PictureFile,
    PictureRequest,
    Receipt,
    Standing,
    Tombstone,
)
from edge.envelope.picture import VERSION as PICTURE_VERSION
from edge.envelope.request import VERSION as REQUEST_VERSION
from edge.envelope.wire import ENVELOPE_VERSION, NOTICE_VERSION, RECEIPT_VERSION, WIRE_LIMIT_BYTES
from edge.records import LabeledRead

FOLDER = Path(__file__).parent / "schema"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TOPIC = "plate-edge/v1/{agency}/{bucket}/{device}"
_CONTENT_TYPE = "application/vnd.plate-edge.v1+msgpack"


def documents() -> dict[str, str]:
    """File name → text of every schema file."""
    schemas: dict[str, Any] = {
        "labeled-read.json": _json_schema(LabeledRead),
        "header.json": _json_schema(Header),
        "receipt.json": _json_schema(Receipt),
        "standing.json": _json_schema(Standing),
        "tombstone.json": _json_schema(Tombstone),
        "anchor.json": _json_schema(Anchor),
        "part-header.json": _json_schema(PartHeader),
        "picture-file.json": _json_schema(PictureFile),
        "picture-request.json": _json_schema(PictureRequest),
        "asyncapi.json": _asyncapi(),
    }
    return {name: json.dumps(schema, indent=2, sort_keys=True) + "\n" for name, schema in schemas.items()}


def write(folder: Path = FOLDER) -> None:
    """Write every schema file."""
    folder.mkdir(exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


def _json_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    schema: dict[str, Any] = _tidy(msgspec.json.schema(kind))
    _name_items(schema["$defs"])
    return {"$schema": _DRAFT, **schema}


def _name_items(schemas: dict[str, Any]) -> None:
    """Headers and pictures are arrays; say which place is which field."""
    for kind in (Header, PartHeader, PictureFile):
        items = schemas.get(kind.__name__, {}).get("prefixItems", [])
        for item, field in zip(items, msgspec.structs.fields(kind), strict=False):
            item["title"] = field.name


def _tidy(value: Any) -> Any:
    """Descriptions come from docstrings, whose indentation differs between Python versions."""
    if isinstance(value, dict):
        return {key: cleandoc(item) if key == "description" else _tidy(item) for key, item in value.items()}
    return [_tidy(item) for item in value] if isinstance(value, list) else value


def _asyncapi() -> dict[str, Any]:
    _, found = msgspec.json.schema_components(
        (LabeledRead, Header, Receipt, Standing, Tombstone, Anchor, PartHeader, PictureFile, PictureRequest),
        ref_template="#/components/schemas/{name}",
    )
    components: dict[str, Any] = _tidy(found)
    _name_items(components)
    parameters = {
        "agency": {"description": "the addressee's name: the owner of a read, the party that a copy is for"},
        "bucket": {"description": "two digits, 00 to 63: SHA-256 of the device's name as an integer, modulo 64"},
        "device": {"description": "the device's name, which is the common name of its certificate and its client id"},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "plate-edge delivery",
            "version": "2",
            "description": "Sealed licence-plate reads from units to their agency, copies to the parties that the labels "
            "admit, pictures as evidence, the receipts that let units forget, and what units say about their own chains.",
        },
        "defaultContentType": _CONTENT_TYPE,
        "channels": {
            "reads": _channel("reads", ("envelope", "standing", "tombstone", "anchor"), parameters),
            "receipts": _channel("receipts", ("receipt",), parameters),
            "pictures": _channel("pictures", ("part",), parameters),
            "requests": _channel("requests", ("request",), parameters),
        },
        "operations": {
            "publishRead": _operation("send", "reads"),
            "takeReceipt": _operation("receive", "receipts"),
            "publishPicture": _operation("send", "pictures"),
            "takeRequest": _operation("receive", "requests"),
        },
        "components": {
            "messages": {
                "envelope": _message(
                    "Envelope",
                    ENVELOPE_VERSION,
                    "msgpack array [version, header, sealed, signature]; `header` is the msgpack of Header, `sealed` opens "
                    "for the addressee to a bundle with the packed JSON of LabeledRead.",
                    "Header",
                ),
                "receipt": _message(
                    "Receipt",
                    RECEIPT_VERSION,
                    "msgpack array [version, receipt, empty, signature]; `receipt` is the msgpack of Receipt.",
                    "Receipt",
                ),
                "standing": _message(
                    "Standing",
                    NOTICE_VERSION,
                    "msgpack array [version, notice, empty, signature]; `notice` is the msgpack of Standing.",
                    "Standing",
                ),
                "tombstone": _message(
                    "Tombstone",
                    NOTICE_VERSION,
                    "msgpack array [version, notice, empty, signature]; `notice` is the msgpack of Tombstone.",
                    "Tombstone",
                ),
                "anchor": _message(
                    "Anchor",
                    NOTICE_VERSION,
                    "msgpack array [version, notice, empty, signature]; `notice` is the msgpack of Anchor.",
                    "Anchor",
                ),
                "part": _message(
                    "Piece of a picture",
                    PICTURE_VERSION,
                    "msgpack array [version, header, piece, signature]; `header` is the msgpack of PartHeader; the pieces one "
                    "after the other are the msgpack of PictureFile.",
                    "PartHeader",
                ),
                "request": _message(
                    "Request for pictures",
                    REQUEST_VERSION,
                    "msgpack array [version, request, empty, signature]; `request` is the msgpack of PictureRequest.",
                    "PictureRequest",
                ),
            },
            "schemas": components,
        },
    }


def _channel(kind: str, messages: tuple[str, ...], parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": f"{_TOPIC}/{kind}",
        "parameters": parameters,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {"mqtt": {}},
    }


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"mqtt": {"qos": 1, "retain": False}},
    }


def _message(title: str, version: int, summary: str, signed: str) -> dict[str, Any]:
    blob = {"type": "string", "contentEncoding": "base64"}
    return {
        "title": title,
        "summary": summary,
        "contentType": _CONTENT_TYPE,
        "payload": {
            "type": "array",
            "description": f"At most {WIRE_LIMIT_BYTES} bytes. The second item holds #/components/schemas/{signed}.",
            "prefixItems": [{"const": version}, blob, blob, {**blob, "minLength": 88, "maxLength": 88}],
            "minItems": 4,
            "maxItems": 4,
        },
    }


if __name__ == "__main__":
    write()
