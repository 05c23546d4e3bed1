"""Where networks run: onnxruntime's execution providers, asked for by name and never silently another.

onnxruntime runs a network on the CPU where it cannot have what it was told to use, and says so in a warning.  Here the
configuration lists what may run, in order: the first that can be had does, those before it are told with the reason, and where
none can be had the unit does not start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import onnxruntime
from msgspec import Struct

from edge.config import Provider
from edge.errors import ModelError

_NAMES: Mapping[Provider, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_Loaded = TypeVar("_Loaded")
#: What onnxruntime takes as one provider: its name, and its options.
Chosen = tuple[str, dict[str, str]]

#: Held while a network runs: one at a time for each core this process may use.  More at once are no faster, wait for each other
#: in the middle of their work (eight threads on two cores: the 95th percentile of a run 31 ms instead of 13), and each keeps
#: memory of its own for what lies between layers (51 MB more in that case).
one_per_core = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))


class Ran(Struct, frozen=True, kw_only=True):
    """What was chosen: the ``provider`` that runs, and why each that was wanted before it does not."""

    provider: Provider
    passed_over: Mapping[Provider, str]


def load_on(
    wanted: Sequence[Provider],
    threads: int,
    load: Callable[[Chosen], _Loaded],
    session: Callable[[_Loaded], onnxruntime.InferenceSession],
) -> tuple[_Loaded, Ran]:
    """What ``load`` gives for the first of ``wanted`` on which its session really runs.

    Raises ModelError if that is none, and whatever ``load`` raises on the CPU: there the model is wrong and not the machine."""
    passed_over: dict[Provider, str] = {}
    for provider in wanted:
        if _NAMES[provider] not in onnxruntime.get_available_providers():
            passed_over[provider] = f"onnxruntime {onnxruntime.__version__} was built without it"
            continue
        try:
            loaded = load((_NAMES[provider], _options(provider, threads)))
        except Exception as error:
            if provider == "cpu":
                raise
            passed_over[provider] = f"it refuses the model: {_first_line(error)}"
            continue
        if session(loaded).get_providers()[0] == _NAMES[provider]:
            return loaded, Ran(provider=provider, passed_over=passed_over)
        passed_over[provider] = "its libraries or its device are missing"
    why = "; ".join(f"{name}: {words}" for name, words in passed_over.items())
    raise ModelError(f'no provider of {", ".join(wanted)} can be had ({why}); name one that can, such as "cpu"')


def _options(provider: Provider, threads: int) -> dict[str, str]:
    """OpenVINO has a pool of its own, which knows nothing of the session's."""
    return {"device_type": "CPU", "num_of_threads": str(threads)} if provider == "openvino" else {}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
