# test.mk: what make can do besides building; part of the Makefile.

UNIT := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_SHARED := $(patsubst %.c,$(B)/%.o,$(sort \
	$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))))

$(B)/libproxy.a: $(filter-out %/main.o,$(PROXY))
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/libreplay.a: $(filter-out %/main.o,$(REPLAY))
	@rm -f $@
	$(AR) rcs $@ $^

# What the tests share; each takes from it what it names.
$(B)/libunit.a: $(UNIT_SHARED)
	@rm -f $@
	$(AR) rcs $@ $^

# test_x is linked with the program whose module x is, if it is one's; FLOOR_x
# says it for an x that is no module.
FLOOR_vectors := proxy
FLOOR_attacks := proxy
FLOOR_tls_hostile := proxy
FLOOR_loopholes := proxy
floor = $(patsubst %,$(B)/lib%.a,$(FLOOR_$(1)) $(foreach f,proxy replay,\
	$(if $(wildcard $(f)/$(1).c),$(f))))

.SECONDEXPANSION:
.SECONDARY: $(UNIT:=.o) $(UNIT_SHARED)
$(UNIT): $(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(B)/libunit.a \
		$$(call floor,$$*) $(B)/librecord.a $(B)/libinspect.a
	$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		-lcheck -lsubunit -lm -lrt $(sort $(LIBS_PROXY) $(LIBS_REPLAY))
$(UNIT:=.o) $(UNIT_SHARED): | $(B)/sql.h
-include $(wildcard $(B)/tests/unit/*.d)

.PHONY: test-deps test units layers demo help
test-deps:
	./tests/deps.sh test

units: $(UNIT)

# T=words: only the tests whose file name holds one of them.
test: all units
	./tests/run -b $(B) $(T)

layers: $(B)/libinspect.a
	SMTPTAP_BUILD=$(B) ./tests/layers.sh

demo: all
	./tests/demo.sh $(B)

-include $(wildcard tests/fuzz/fuzz.mk tests/bench/bench.mk)

define HELP
make                 build/smtptapd and build/smtptap
make deps            install what building and the demo need (Debian 12)
make demo            a message through smtptapd, its transcript, its replay
make test-deps       install what the tests need besides; mail servers are
                     only unpacked, below build/
make test            every test; T="words" for those whose name holds one
make layers          includes point down, inspect/ calls nobody
make fuzz            the engine against random bytes; FUZZ_SECONDS=60
make bench           CPU time against haproxy
make install         PREFIX=/usr/local DESTDIR=
make clean           remove build/
SANITIZE=1 with any of them: a build of its own under ASan and UBSan
endef
export HELP
help:
	@echo "$$HELP"
