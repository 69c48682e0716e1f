"""pem: certificates, keys and revocation lists in files, made with openssl."""
from tap_harness import program


def certificate(t, name="mail.example.com"):
    """One that is signed by itself, good as a CA, too: (certificate, key)."""
    cert, key = t.dir / f"{name}.pem", t.dir / f"{name}.key"
    t.run(program("openssl"), "req", "-x509", "-newkey", "ec",
          "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
          "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
          "-keyout", key, "-out", cert)
    return cert, key


def revocations(t, cert, key):
    """A list of this CA, of nothing."""
    database, crl = t.dir / "index.txt", t.dir / "revoked.pem"
    database.write_text("")
    config = t.dir / "ca.cnf"
    config.write_text(f"[ca]\ndefault_ca = us\n[us]\ndatabase = {database}\n"
                      "default_md = sha256\ndefault_crl_days = 2\n")
    t.run(program("openssl"), "ca", "-gencrl", "-config", config, "-cert",
          cert, "-keyfile", key, "-out", crl)
    return crl
