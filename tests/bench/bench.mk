# make bench: smtptapd against haproxy, candidates in turn, in rounds.
#	make bench BENCH_ROUNDS=1 BENCH_LOADS=W2	(half a minute)
# make bench-self-test: does the bench notice damaged messages?

BENCH_ROUNDS ?= 7
BENCH_LOADS ?= W1,W2,W3,W9
BENCH_CANDIDATES ?=

$(B)/bench/load: $(patsubst %,$(B)/tests/bench/%.o,load client dialogue outbox body)
$(B)/bench/sink: $(patsubst %,$(B)/tests/bench/%.o,sink server body)
$(B)/bench/load $(B)/bench/sink:
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

-include $(wildcard $(B)/tests/bench/*.d)

.PHONY: bench bench-self-test
bench: $(B)/smtptapd $(B)/bench/load $(B)/bench/sink
	/usr/bin/python3 -B tests/bench/bench.py --build $(B) --syscalls \
	    --rounds $(BENCH_ROUNDS) --loads $(BENCH_LOADS) \
	    --candidates "$(BENCH_CANDIDATES)" \
	    --output $(B)/bench/results.jsonl

bench-self-test: $(B)/bench/load $(B)/bench/sink
	/usr/bin/python3 -B tests/bench/bench.py --build $(B) --self-test
