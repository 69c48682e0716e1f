# smtptap: `make` builds build/smtptapd and build/smtptap; `make help` says more.

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
JOBS := $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += --no-print-directory
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(JOBS)
endif

# SANITIZE=1 is a build of its own, beside the plain one.
ifdef SANITIZE
B := build/sanitize
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
OPTIMIZE ?= -O1
else
B := build
SANITIZERS :=
OPTIMIZE ?= -O2
FORTIFY := -D_FORTIFY_SOURCE=2
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Werror
HARDEN := -fstack-protector-strong -fPIE $(FORTIFY)
CPPFLAGS += -D_GNU_SOURCE -DSMTPTAP_VERSION='"$(VERSION)"' -I. -I$(B)
CFLAGS ?= $(OPTIMIZE) -g
ALL_CFLAGS = -std=c11 $(WARN) $(HARDEN) $(SANITIZERS) $(CFLAGS) -MMD -MP
LDFLAGS += -pie -Wl,-z,relro,-z,now $(SANITIZERS)

# `make deps demo` and `make test-deps test` are one after the other, however
# many jobs there are: nothing is compiled before what it needs is installed.
DEPS_GOALS := $(filter deps test-deps,$(MAKECMDGOALS))

INSPECT := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard inspect/*.c)))
RECORD := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard record/*.c))) $(B)/sql.o
PROXY := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard proxy/*.c)))
REPLAY := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard replay/*.c)))
SQL := $(sort $(wildcard sql/schema/*.sql)) $(sort $(wildcard sql/*.sql))

LIBS_RECORD := -lsqlite3 -lcrypto -lpthread
LIBS_PROXY := -lssl -lev -lcares -lconfuse -lpcre2-8 $(LIBS_RECORD)
LIBS_REPLAY := -lssl -ljansson $(LIBS_RECORD)

.PHONY: all
all: $(B)/smtptapd $(B)/smtptap

$(B)/smtptapd: $(PROXY) $(B)/librecord.a $(B)/libinspect.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_PROXY)

$(B)/smtptap: $(REPLAY) $(B)/librecord.a $(B)/libinspect.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_REPLAY)

$(B)/libinspect.a: $(INSPECT)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/librecord.a: $(RECORD)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c | $(DEPS_GOALS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(B)/sql.o: $(B)/sql.c
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c -o $@ $<

# One .sql file of named statements per noun becomes sql.h and sql.c.
$(B)/sql.c $(B)/sql.h &: sql/embed.awk $(SQL) | $(DEPS_GOALS)
	@mkdir -p $(@D)
	awk -v out=$(B)/sql -f sql/embed.awk $(SQL)
$(RECORD) $(REPLAY): | $(B)/sql.h

# The built-in policies become a part of smtptapd.
PROFILES := $(sort $(wildcard proxy/profiles/*.conf))
$(B)/profiles.h: proxy/profiles/embed.awk $(PROFILES) | $(DEPS_GOALS)
	@mkdir -p $(@D)
	awk -f proxy/profiles/embed.awk $(PROFILES) >$@.new && mv $@.new $@
$(B)/proxy/profile.o: $(B)/profiles.h

-include $(wildcard $(B)/*/*.d $(B)/*.d)

include tests/test.mk

.PHONY: deps
deps:
	./tests/deps.sh build

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/smtptapd $(DESTDIR)$(PREFIX)/sbin/smtptapd
	install -m 755 $(B)/smtptap $(DESTDIR)$(PREFIX)/bin/smtptap
	install -d $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/doc/smtptap
	$(B)/smtptapd --print-manual \
		>$(DESTDIR)$(PREFIX)/share/man/man5/smtptap.conf.5
	$(B)/smtptapd --print-sample \
		>$(DESTDIR)$(PREFIX)/share/doc/smtptap/smtptap.conf

.PHONY: clean
clean:
	rm -rf build
