# make fuzz: random bytes against what parses bytes, FUZZ_SECONDS in all. What
# it has learned stays in build/fuzz/found for the next time.

FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZ_CORPUS ?= $(or $(SMTPTAP_CORPUS),../shared/corpus)
FUZZ := $(B)/fuzz
FUZZ_SANITIZERS := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined
FUZZ_CFLAGS := -std=c11 $(WARN) -O2 -g $(FUZZ_SANITIZERS) -MMD -MP

FUZZ_INSPECT := $(patsubst %.c,$(FUZZ)/%.o,$(sort $(wildcard inspect/*.c)))
FUZZ_SHORT := fuzz_transcript fuzz_wire fuzz_message fuzz_mime fuzz_gate \
	fuzz_config fuzz_clienthello
FUZZ_TARGETS := $(patsubst %,$(FUZZ)/%,fuzz_engine $(FUZZ_SHORT))
FUZZ_SCRIPT := $(patsubst %,tests/fuzz/%.o,script input)

# A tenth of the time for each of the others, the rest for the engine.
FUZZ_TENTH := $(shell expr $(FUZZ_SECONDS) / 10 + 1)
FUZZ_ENGINE_SECONDS := $(shell expr $(FUZZ_SECONDS) - \
	$(words $(FUZZ_SHORT)) '*' $(FUZZ_TENTH) \
	'|' 1)

$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(FUZZ)/fuzz_gate: $(FUZZ)/tests/fuzz/duel.o $(FUZZ)/tests/fuzz/duel_policy.o
$(FUZZ)/fuzz_engine: $(addprefix $(FUZZ)/,$(FUZZ_SCRIPT))
$(FUZZ)/fuzz_wire: $(FUZZ)/record/wire.o $(FUZZ)/record/text.o
$(FUZZ)/fuzz_config: $(patsubst %,$(FUZZ)/proxy/%.o,config tree source policies \
	rules criteria draft arena regex action term value options wrap profile \
	report address settings origin resolver log listener_tls keylog mint) \
	$(patsubst %.c,$(FUZZ)/%.o,$(wildcard proxy/tls*.c)) \
	$(FUZZ)/record/certificate.o
$(FUZZ)/fuzz_config: FUZZ_LIBS := -lconfuse -lpcre2-8 -lev -lcares -lssl -lcrypto
$(FUZZ)/proxy/profile.o: $(B)/profiles.h
$(FUZZ_TARGETS): $(FUZZ)/%: $(FUZZ)/tests/fuzz/%.o $(FUZZ_INSPECT)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(FUZZ_LIBS)

$(B)/fuzz/seeds.tool: $(patsubst %,$(B)/tests/fuzz/%.o,seeds script \
		script_file input) $(B)/libinspect.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

# The engine learns from the transcripts and from captures, if there are any;
# a transcript's text is a seed of its own parser; mail content is in both.
FUZZ_SEEDS := $(sort $(wildcard tests/transcripts/*.smtp \
	$(FUZZ_CORPUS)/_streams/*.dlg $(FUZZ_CORPUS)/_seeds/*s2c \
	$(FUZZ_CORPUS)/_seeds/*c2s))

$(FUZZ)/seeds/made: $(FUZZ)/seeds.tool $(FUZZ_SEEDS) \
		$(wildcard tests/fuzz/mime/*.eml)
	@mkdir -p $(FUZZ)/seeds/fuzz_engine $(FUZZ)/seeds/fuzz_transcript \
		$(FUZZ)/seeds/fuzz_message $(FUZZ)/seeds/fuzz_mime \
		$(FUZZ)/seeds/fuzz_config
	@$(FUZZ)/seeds.tool $(FUZZ)/seeds/fuzz_engine $(FUZZ_SEEDS)
	@cp tests/transcripts/*.smtp $(FUZZ)/seeds/fuzz_transcript
	@cp tests/transcripts/*.smtp $(FUZZ)/seeds/fuzz_message
	@cp tests/transcripts/*.smtp tests/fuzz/mime/*.eml $(FUZZ)/seeds/fuzz_mime
	@cp proxy/profiles/*.conf tests/fuzz/config/*.conf \
		$(FUZZ)/seeds/fuzz_config
	@touch $@

$(FUZZ)/verbs.dict: tests/fuzz/dictionary.awk inspect/verbs.def
	@mkdir -p $(@D)
	awk -f tests/fuzz/dictionary.awk inspect/verbs.def >$@

# test_corpus plays captures with what the fuzzer plays its inputs with.
$(B)/tests/unit/test_corpus: $(patsubst %,$(B)/tests/fuzz/%.o,script \
	script_file)

-include $(wildcard $(FUZZ)/*/*.d $(FUZZ)/*/*/*.d $(B)/tests/fuzz/*.d)

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS) $(FUZZ)/seeds/made $(FUZZ)/verbs.dict
	@for target in $(FUZZ_SHORT); do \
		tests/fuzz/run $(FUZZ) $(FUZZ_TENTH) $$target || exit 1; \
	done
	@tests/fuzz/run $(FUZZ) $(FUZZ_ENGINE_SECONDS) fuzz_engine
