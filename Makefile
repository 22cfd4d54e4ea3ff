# Everything there is to do with this repository. Needs Swift 6.2 or later; installs what Debian packages are missing.
SWIFT ?= swift
PREFIX ?= /usr/local
# Imports that a target does not declare are errors; check-imports looks at the declared ones.
FLAGS := -c release --explicit-target-dependency-import-check error
# --precision bf16, where oneDNN's header is: SWIFT_TRAITS= builds without it.
SWIFT_TRAITS ?= $(shell scripts/traits)
FLAGS += $(SWIFT_TRAITS)

ROUNDS ?= 60

.PHONY: build demo test check format docs bench torture examples install clean setup

build: setup ## the program, as .build/release/penumbra
	$(SWIFT) build $(FLAGS) --product penumbra

demo: build ## index a copy of the demo gallery and search it
	@scripts/demo

test: setup ## all tests, in release, where the kernels are fast
	$(SWIFT) build $(FLAGS) --build-tests
	$(SWIFT) test $(FLAGS) --skip-build --disable-xctest

check: ## strict format and documentation rules, imports, links
	$(SWIFT) format lint --strict --recursive Sources Tests Examples/Sources Benchmarks/Sources \
		Package.swift Examples/Package.swift Benchmarks/Package.swift
	@scripts/check-imports
	@scripts/check-links

format: ## rewrite the Swift files in the project's format
	$(SWIFT) format --in-place --recursive Sources Tests Examples/Sources Benchmarks/Sources \
		Package.swift Examples/Package.swift Benchmarks/Package.swift

docs: setup ## the library's documentation, as .build/docs
	@scripts/docs

bench: setup ## measure; results as a table, and as JSON lines under Benchmarks/Results
	@scripts/bench

torture: setup ## kill an indexing process ROUNDS times (60) at random moments and compare
	$(SWIFT) build $(FLAGS) --product torture
	.build/release/torture $(ROUNDS)

examples: setup ## build the example programs and the benchmarks, and run the examples on the demo gallery
	@scripts/examples

install: ## what make build has built, below PREFIX=/usr/local
	@test -x .build/release/penumbra || { echo "nothing built yet: run make build first"; exit 1; }
	install -D -m 755 .build/release/penumbra $(DESTDIR)$(PREFIX)/bin/penumbra

clean:
	rm -rf .build Examples/.build Benchmarks/.build

setup:
	@scripts/install-packages
