#!/usr/bin/python3
"""A Postfix that sends in verified TLS only, through every mode, to an Exim."""
import re

from tap_harness import case, check, equal, main, wait_for
from tls_harness import (BACK, MODES, front, recorded, tls_directory,
                         with_authority)


def relayed(t, mode):
    """A Postfix that sends in verified TLS only, before an Exim."""
    ports, _ = t.start_peer("exim", label="last", PEER_TLS=tls_directory(t))
    daemon = front(t, ports[mode.port], mode.tls, implicit=mode.implicit)
    wrapped = "yes" if mode.begins else "no"
    level = "none" if mode.tls == "originate" or \
        mode.implicit == "upstream" else "secure"
    sender, home = t.start_peer(
        "postfix", relay=daemon.port, label="first",
        PEER_TLS=tls_directory(t), PEER_SETTINGS="\n".join((
            f"smtp_tls_security_level = {level}",
            "smtp_tls_CAfile = /etc/tls/ca.pem",
            f"smtp_tls_wrappermode = {wrapped}",
            f"smtp_tls_secure_cert_match = {mode.client or BACK}")))
    t.swaks(sender["port"])
    log = wait_for(lambda: re.search(
        r"postfix/smtp\[.*status=(\w+) \((.*)\)", (home / "log").read_text()),
        "what became of it")
    if mode.tls == "strip":
        equal(log[1], "deferred", "without TLS")
        check("TLS is required, but was not offered" in log[2], log[2])
        return
    equal(log[1], "sent", log[2])
    if level == "secure":
        check("Verified TLS connection established to" in
              (home / "log").read_text(), "not verified")
    recorded(t, daemon, mode, 1)


def mode_case(name, mode):
    def run(t):
        relayed(t, mode)

    run.__name__ = f"{name}_from_a_postfix_that_insists"
    case(with_authority(run))


for mode_name, mode_row in MODES.items():
    mode_case(mode_name, mode_row)

main()
