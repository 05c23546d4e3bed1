"""Error families, by who can act on them.

Every message names the verb that failed and what to do about it; the owner of a library translates that library's
errors with ``raise … from``.  No message holds a plate's text or a secret.
"""


class PlateEdgeError(Exception):
    """Base of everything this project raises on purpose; the command line prints it as one plain line."""


class ConfigError(PlateEdgeError):
    """The configuration, a key file or a call is wrong: the person who set the unit up can act."""


class CameraError(PlateEdgeError):
    """A camera, clip or picture folder cannot be opened or read: the technician can act."""


class ModelError(PlateEdgeError):
    """A model file is missing, altered or not of a known format: the person who installed it can act."""


class PolicyError(PlateEdgeError):
    """A pack, zone or hot list is invalid or not in force: the agency's policy officer can act."""


class OutboxError(PlateEdgeError):
    """The unit's outbox cannot keep a read as durably as configured: the technician can act."""


class PublishError(PlateEdgeError):
    """The broker cannot be reached or refuses this unit: the network's keeper can act; reads stay in the outbox."""


class EnvelopeError(PlateEdgeError):
    """A message is not what its signature, seal or version says; ``reason`` is a short fixed word for counters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoreError(PlateEdgeError):
    """The agency's store cannot take or give a read: the agency's administrator can act."""
