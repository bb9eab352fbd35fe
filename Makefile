# Every target is one command that can be typed by hand too.

.PHONY: build test check demo

# The program, as ./ndr.
build:
	go build -o ndr ./cmd/ndr

# All tests. Those that need a server that is not there, or data from outside the repository, skip and say so.
test:
	go test ./...

# What CI runs: the tests and every check beside them.
check:
	bash .ci/run

# A synthetic company through an embedded Kafka, both stages, tables in ./out/demo.
demo:
	go run ./cmd/ndr demo --out out/demo
