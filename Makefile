# Every command that people type, in one place. `make` alone lists the targets.

PYTHON ?= python3
CORES ?= 2
VENV := .venv
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help install quick demo test test-fast test-slurm test-container gpu bench lint docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/installed ## create the environment .venv from the lock file

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11, 4) <= sys.version_info < (3, 14) else "make: Python 3.11 (from 3.11.4), 3.12 or 3.13 is needed, found %d.%d.%d; try: make PYTHON=python3.11" % sys.version_info[:3])'
	@echo "Installing the locked packages into $(VENV): about 3 GB to download, a few minutes without a sign of life."
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# A killed Snakemake leaves its lock behind. It may be removed if nobody holds the kernel lock that every run takes
# (workflow/Snakefile). A run that is being killed may need a moment to end.
define UNLOCK
@if [ -n "$$(ls -A .snakemake/locks 2>/dev/null)" ]; then \
	$(RUN) flock --timeout 5 --conflict-exit-code 75 results/.lock snakemake --unlock --quiet all || \
	{ [ $$? -ne 75 ] || echo "make: another run is at work here; wait for its end, or stop it" >&2; exit 1; }; \
fi
endef

QUICK := results/quick/glyphs/resnet12/seed0

quick: install ## a first look: one cell, its number and its curve (a minute and a half on 2 cores)
	$(UNLOCK)
	$(RUN) snakemake --cores $(CORES) --configfile config/quick.yaml
	@$(RUN) mtl show $(QUICK)/ss-all/5way-1shot
	@echo
	@echo "You rendered letters, pre-trained a network on some alphabets, meta-trained SS [Θ;θ] for 60 meta-batches, and"
	@echo "tested it on 600 tasks of other alphabets, of 5 classes each: chance is 20 %. This is a first look, no result."
	@echo "It is in results/quick, and its settings are in config/quick.yaml. To see all of it on one page, open"
	@echo "results/quick/report.html in a browser. What to type next:"
	@echo
	@echo "  source $(VENV)/bin/activate"
	@echo "  mtl compare $(QUICK)/{ss-all,linear}/5way-1shot    # with a linear head, which so little training does not beat"
	@echo "  make demo                                     # Table 1: every method, trained for longer"

demo: install ## Table 1 and its figure on the embedded dataset (some ten minutes on 2 cores)
	$(UNLOCK)
	$(RUN) snakemake --cores $(CORES)
	@cat results/table1.md

test: install ## the tests (20 to 30 minutes on 2 cores)
	$(RUN) python -m pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder

test-fast: install ## the tests that run no workflow (under two minutes)
	$(RUN) python -m pytest --numprocesses $(CORES) --dist loadfile -m 'not workflow and not slow'

test-slurm: install ## a table on a SLURM of one node, which it starts (root and Debian; five to ten minutes)
	$(RUN) tests/slurm/run

test-container: install ## a small table in the container's image, without a network (podman or docker; some minutes)
	$(RUN) tests/container/run

# `make gpu CONFIG=config/quick.yaml` tries its steps on a small experiment, with or without a GPU.
CONFIG := config/paper.yaml config/paper-short.yaml

gpu: install ## with a GPU: its tests, then miniImageNet at the paper's scale (DATA=FOLDER, resumable)
ifneq ($(origin CONFIG),command line)
	@$(RUN) python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "make: torch sees no GPU")'
	@[ -n "$(DATA)" ] || { echo "make: where are the archives of miniImageNet? make gpu DATA=FOLDER" >&2; exit 1; }
endif
	$(RUN) python -m pytest --verbose -m gpu
	$(UNLOCK)
	$(RUN) MTL_JOBS_PER_GPU=$${MTL_JOBS_PER_GPU:-6} snakemake --cores all \
	  --configfile $(CONFIG) $(if $(DATA),--config data="$(DATA)")

bench: install ## every stage beside its floor, as ratios (about 25 minutes)
	$(RUN) python -m benchmarks --csv results/benchmarks.csv

lint: install docs ## ruff, mypy, snakefmt, snakemake --lint; the documentation without warnings
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

docs: install ## the documentation as a site, in site/
	$(RUN) sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs . site

clean: ## remove everything that was generated, but not the environment
	rm -rf .snakemake .mypy_cache .pytest_cache .ruff_cache logs resources site
	git clean -fdXq results
