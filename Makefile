# The front of the build: `make help` lists everything. CMake and ninja do the work, one build
# tree a type below build/; the packages that are missing are installed (tools/packages.txt).

DATA         ?= ./data
ARGS         ?=
SIMULATE     ?= 1
PREFIX       ?= /usr/local
DESTDIR      ?=
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 5
DECODER_SECONDS ?= $(FUZZ_SECONDS)
SOAK_KILLS   ?= 100
SOAK_SEED    ?=
PYTEST_JOBS  ?= 4
PYTEST_ARGS  ?=
TSAN_TESTS   ?= -m fast_tsan
BUILD        ?= build
# Debian's, where python3-pytest and python3-paho-mqtt are; the first one in PATH may be another.
PYTHON       ?= /usr/bin/python3

# Where Debian keeps mosquitto, which a user's PATH may lack.
export PATH := $(PATH):/usr/sbin

# What is built comes from these files, not from the caller's make flags.
unexport MAKEFLAGS MAKELEVEL

# The sanitizers of gcc 12 and clang 14 need the address space as it was before kernels with 32
# random bits.
SETTLED := $(shell [ "$$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] && \
                   setarch -R true 2>/dev/null && echo setarch -R)

export ASAN_OPTIONS  ?= detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS  ?= halt_on_error=1:exitcode=66:second_deadlock_stack=1$(\
                        )$(if $(wildcard tests/tsan.supp),:suppressions=$(CURDIR)/tests/tsan.supp)

CONFIGURE = @test -f $(BUILD)/$(1)/build.ninja || \
            cmake -S . -B $(BUILD)/$(1) -G Ninja -DCMAKE_BUILD_TYPE=$(1) \
                -DEZTCLOUD_CONSOLE=$(abspath $(BUILD))/console $(2)
COMPILE   = @cmake --build $(BUILD)/$(1) -j $(JOBS) $(2)
CTEST     = $(SETTLED) ctest --test-dir $(BUILD)/asan -j $(JOBS) --output-on-failure -L $(1)
PYTEST    = $(SETTLED) $(PYTHON) -m pytest tests/e2e -n $(PYTEST_JOBS) -p no:cacheprovider

.PHONY: all help build console run test check unit unit-console sim e2e e2e-tsan soak fuzz bench \
        asan tsan fmt lint docs install clean distclean packages packages-run packages-test packages-bench \
        packages-dev node-modules

all: build

help: ## this list
	@printf 'EZtCloud Open. Usage: make TARGET [NAME=value]...\n\n'
	@sed -n 's/^\([a-z][a-z0-9-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18
	@printf '\nSettings (with what they are now):\n\n'
	@printf '  %-16s%-12s  %s\n' \
	    DATA         "$(DATA)" "run: data directory" \
	    ARGS         "$(ARGS)" "run: further options of eztcloud serve" \
	    SIMULATE     "$(SIMULATE)" "run: 0 leaves the simulated devices out" \
	    PREFIX       "$(PREFIX)" "install; DESTDIR is put before it" \
	    JOBS         "$(JOBS)" "compilers at once" \
	    FUZZ_SECONDS "$(FUZZ_SECONDS)" "fuzz: for each target" \
	    DECODER_SECONDS "$(DECODER_SECONDS)" "fuzz: for each target but whole connections" \
	    SOAK_KILLS   "$(SOAK_KILLS)" "soak: how often the server is killed" \
	    SOAK_SEED    "$(SOAK_SEED)" "soak: repeats a run's choices; it prints its seed" \
	    PYTEST_ARGS  "$(PYTEST_ARGS)" "e2e: further arguments of pytest" \
	    PYTEST_JOBS  "$(PYTEST_JOBS)" "e2e: tests at once"

build: packages console ## the release program: build/release/eztcloud
	$(call CONFIGURE,release)
	$(call COMPILE,release)

# Every build tree embeds the same files.
console: packages ## the web console, which the program embeds: build/console
	@tools/console.sh build $(BUILD)/console

run: packages-run build ## build and start a demo server with simulated devices
	@SIMULATE=$(SIMULATE) exec setpriv --pdeathsig TERM -- \
	    tools/run.sh $(BUILD)/release/eztcloud $(DATA) $(ARGS)

test: packages-test ## everything: checks, unit, simulation, fuzz and end-to-end tests
	@exec tools/test.sh

check: packages-test ## layers, generated documents, conformance; sizes are only reported
	@$(PYTHON) tools/check_layers.py
	@$(PYTHON) tools/def2doc.py --check
	@$(PYTHON) tools/conformance.py --check
	@$(PYTHON) tools/check_sizes.py

unit: asan unit-console ## unit tests, with AddressSanitizer; those of the console
	@$(call CTEST,unit)

unit-console: console ## the console's own: types, and unit tests of its logic
	@tools/console.sh check $(BUILD)/console

sim: asan ## simulation tests, with AddressSanitizer
	@$(call CTEST,sim)

e2e: asan node-modules ## end-to-end tests against the program, with AddressSanitizer
	@EZTCLOUD_BIN=$(abspath $(BUILD))/asan/eztcloud $(PYTEST) $(PYTEST_ARGS)

e2e-tsan: tsan node-modules ## those of the end-to-end tests marked fast_tsan, on 4 workers
	@EZTCLOUD_BIN=$(abspath $(BUILD))/tsan/eztcloud EZTCLOUD_WORKERS=4 \
	    $(PYTEST) $(TSAN_TESTS) $(PYTEST_ARGS)

soak: asan ## a server is killed SOAK_KILLS times, until every message is accounted for
	@EZTCLOUD_BIN=$(abspath $(BUILD))/asan/eztcloud $(SETTLED) $(PYTHON) tests/soak/soak.py \
	    --kills $(SOAK_KILLS) $(if $(SOAK_SEED),--seed $(SOAK_SEED))

fuzz: packages-test ## each fuzz target for FUZZ_SECONDS
	$(call CONFIGURE,fuzz,-DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++)
	$(call COMPILE,fuzz)
	@$(SETTLED) tools/fuzz.sh $(BUILD)/fuzz $(FUZZ_SECONDS) $(JOBS) $(DECODER_SECONDS)

bench: packages-bench console ## load beside Debian's mosquitto; figures go to bench/results
	@cmake -S . -B $(BUILD)/release -G Ninja -DCMAKE_BUILD_TYPE=release -DEZTCLOUD_BENCH=ON \
	    -DEZTCLOUD_CONSOLE=$(abspath $(BUILD))/console
	$(call COMPILE,release)
	@$(PYTHON) bench/run.py --eztcloud $(BUILD)/release/eztcloud \
	    --bench $(BUILD)/release/bench/eztcloud-bench --out bench/results

asan: packages-test console ## the program and the tests, with Address- and UndefinedBehaviorSanitizer
	$(call CONFIGURE,asan)
	$(call COMPILE,asan)

tsan: packages-test console ## the program, with ThreadSanitizer
	$(call CONFIGURE,tsan,-DEZTCLOUD_TESTS=OFF)
	$(call COMPILE,tsan)

fmt: packages-dev ## apply .clang-format
	@git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cpp' | xargs -r clang-format -i

lint: packages-dev ## formatting and sizes, strictly
	@git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cpp' | \
	    xargs -r clang-format --dry-run -Werror
	@$(PYTHON) tools/check_sizes.py --strict

docs: ## write what is made from tables and tests: options, events, counters, conformance
	@$(PYTHON) tools/def2doc.py
	@$(PYTHON) tools/conformance.py --write

install: build ## install below PREFIX
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD)/release --prefix "$(PREFIX)"

clean: ## remove the objects, keep what was configured
	@for type in release asan tsan fuzz; do \
	    if [ -f $(BUILD)/$$type/build.ninja ]; then cmake --build $(BUILD)/$$type -t clean; fi; \
	done

distclean: ## remove all that was built
	@rm -rf $(BUILD) tests/e2e/js/node_modules web/node_modules

packages:
	@tools/install-packages.sh build

packages-run:
	@tools/install-packages.sh build run

packages-test:
	@tools/install-packages.sh build test

packages-bench:
	@tools/install-packages.sh build bench

packages-dev:
	@tools/install-packages.sh dev

node-modules: packages-test
	@tools/node-modules.sh tests/e2e/js
