"""Networks run where the configuration says, or it is told where else; never silently on the CPU."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from edge import build
from edge.config import DetectorConfig, RecognizerConfig
from edge.errors import ModelError
from edge.journal import Journal
from edge.model_files import bundled_folder
from edge.providers import one_per_core
from edge.records import Frame
from tests.readings import instant


def test_the_cpu_runs_what_nobody_sends_elsewhere() -> None:
    """Both networks say where they run."""
    folder = bundled_folder()
    assert build.detector(folder, DetectorConfig()).provider == "cpu"
    assert build.recognizer(folder, RecognizerConfig()).provider == "cpu"


def test_a_provider_that_this_onnxruntime_does_not_have_is_an_error() -> None:
    """Only a GPU was named, and there is none: the words say so, and what to do."""
    for build_one in (
        lambda: build.detector(bundled_folder(), DetectorConfig(providers=("tensorrt", "cuda"))),
        lambda: build.recognizer(bundled_folder(), RecognizerConfig(providers=("tensorrt", "cuda"))),
    ):
        with pytest.raises(ModelError, match=r"no provider of tensorrt, cuda.*built without it.*name one that can"):
            build_one()


def test_a_fall_back_is_taken_if_the_configuration_names_it_and_is_told() -> None:
    """With the CPU named last the unit starts, and the log says what it could not have and what runs."""
    log = io.StringIO()
    ran = build.detector(bundled_folder(), DetectorConfig(providers=("cuda", "cpu"))).ran
    build.tell_where("detector", ran, Journal(log))
    first, second = log.getvalue().splitlines()
    assert "provider cannot be had" in first
    assert "cuda" in first
    assert "network runs" in second
    assert "cpu" in second


def test_an_onnxruntime_that_has_the_provider_but_not_its_device_does_not_pass_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime itself would go on, on the CPU, with a warning that nobody reads."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"), pytest.raises(ModelError, match="device are missing"):
        build.detector(bundled_folder(), DetectorConfig(providers=("cuda",)))


def test_a_model_that_is_wrong_is_not_blamed_on_the_provider(tmp_path: Path) -> None:
    """On the CPU what the loader says of the model is what is told."""
    (tmp_path / "manifest.toml").write_text("[models]")
    with pytest.raises(ModelError, match="not in"):
        build.detector(tmp_path, DetectorConfig(model="none", providers=("cuda", "cpu")))


def test_no_more_networks_run_at_once_than_there_are_cores() -> None:
    """While each core has one, the next waits; it runs when one is done."""
    finder = build.detector(bundled_folder(), DetectorConfig())
    picture = Frame(camera="c", number=0, image=np.zeros((72, 128), np.uint8), at=instant(), media_s=0.0)
    taken = 0
    while one_per_core.acquire(blocking=False):
        taken += 1
    done = threading.Event()
    thread = threading.Thread(target=lambda: (finder.detect(picture), done.set()))
    thread.start()
    try:
        assert not done.wait(0.3)
    finally:
        for _ in range(taken):
            one_per_core.release()
    assert done.wait(60)
    thread.join()
