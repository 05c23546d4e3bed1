# Two commands for a newcomer: `make demo` and `make test`.  Each sets up what it needs and can be run again.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBIAN := mosquitto postgresql ffmpeg poppler-utils python3-venv python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly chromium chromium-driver
NEEDED := mosquitto ffmpeg pdftoppm chromedriver

.PHONY: help demo test check faults security bench bench-clips eval setup system train-setup lock clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## Run the whole line on the bundled clip: unit, broker, ingest, store
	@$(BIN)/plate-edge demo

test: setup ## Run the tests
	@$(BIN)/python -m pytest -q

check: setup ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

MINUTES ?= 10
faults: setup ## Kill, cut, wipe, fill, jump, forge: everything that must not lose a read (MINUTES=10)
	@$(BIN)/python -m tests.faults --minutes $(MINUTES)

# Beside the bundled clip and its mixtures: the clips of DATA, and those that `make bench-clips` rendered.
TRAFFIC := .cache/bench/traffic
bench: setup ## How fast the line is, against its targets; some 10 minutes, and MINUTES=10 for the cameras
	@mkdir -p .cache/bench
	@$(BIN)/plate-edge bench table $(wildcard $(DATA)/video/*.mp4 $(TRAFFIC)-*/clip.mp4) --minutes $(MINUTES) \
	  --json .cache/bench/table.json --html .cache/bench/table.html
	@echo "The records: .cache/bench/table.json; the page with the plots: .cache/bench/table.html"

bench-clips: train-setup ## Render more clips for bench: a minute of traffic each, with four shares of plates (some 20 minutes)
	@for share in 0 .2 .5 1; do test -f $(TRAFFIC)-$$share/clip.mp4 || $(BIN)/python -m models.train.demo_clip \
	  --out $(TRAFFIC)-$$share --minutes 1 --share-with-plates $$share --seed 6 || exit 1; done

security: setup ## Change every bit and every key, open hostile files: the long form of tests/security
	@$(BIN)/python -m tests.security

setup: system $(VENV)/installed ## Everything that demo and test need

# The environment: locked, hashed packages, then this project, which is linked and not copied.
$(VENV)/installed: requirements-dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "plate-edge: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@echo "Installing the locked packages into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Debian packages: installed where this user may, named where not.
system:
	@missing=""; for tool in $(NEEDED); do PATH="$$PATH:/usr/sbin" command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	test -e /usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib || missing="$$missing gst-rtsp-server"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then as=""; elif sudo -n true 2>/dev/null; then as="sudo"; else \
	    echo "plate-edge: missing:$$missing.  As root: apt-get install $(DEBIAN)" >&2; exit 2; fi; \
	  echo "Installing Debian packages for:$$missing …"; \
	  { $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN); } \
	    >/tmp/plate-edge-apt.log 2>&1 || { tail -5 /tmp/plate-edge-apt.log >&2; \
	    echo "plate-edge: could not install Debian packages; see /tmp/plate-edge-apt.log" >&2; exit 2; }; \
	fi

DATA ?= ../shared/data/dev
eval: setup ## Score the bundled models against their targets: on the real pictures where they are, else what needs none
	@$(BIN)/plate-edge eval --all $(DATA) --reviewed models/train/dev_reviewed.jsonl

train-setup: setup ## What training needs on top: torch (any build of 2.6 or newer), fonts
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-train.txt
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet 'torch>=2.6'
	@$(BIN)/python -m models.train.fonts

# torch is chosen by the one who trains (CPU or CUDA build), so its lock holds the rest of the extra only.
LOCK := uv pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes --no-annotate -q \
  --custom-compile-command 'make lock'

lock: ## Renew the hashed requirement files (needs uv)
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev --extra calibrate --extra bench --extra postgres -o requirements-dev.txt
	$(LOCK) --extra train --override <(echo "torch ; python_version < '3'") -o requirements-train.txt

clean: ## Remove what was made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dist
