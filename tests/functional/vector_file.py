"""vector_file: the cases of tests/vectors/inspect.txt, as Python reads them.

Strict, as tests/unit/vectors.c: a line that is not understood is an error.
"""
import ast
import dataclasses

from claims import ROOT, Failure

PATH = ROOT / "tests/vectors/inspect.txt"
EARLY = "client< has its first line before S> sends its second"


@dataclasses.dataclass
class Vector:
    name: str
    policy: str = ""
    early: bool = False
    by_byte: bool = False
    steps: list = dataclasses.field(default_factory=list)	# (side, octets)
    arrives: dict = dataclasses.field(default_factory=dict)	# side: octets

    def said(self, side):
        """All that a side sends."""
        return b"".join(octets for s, octets in self.steps if s == side)


def octets(string):
    """What a C string stands for."""
    value = ast.literal_eval("b" + string)
    if not string.startswith('"') or not isinstance(value, bytes):
        raise Failure(f"no string: {string}")
    return value


def read_line(vectors, line):
    word, _, rest = line.partition(" ")
    if word == "case":
        vectors.append(Vector(rest.partition(":")[0]))
        return
    v = vectors[-1]
    if word == "policy:":
        v.policy += rest + "\n"
    elif (word, rest) == ("early:", EARLY):
        v.early = True
    elif (word, rest) == ("feed:", "byte"):
        v.by_byte = True
    elif word in ("S>", "C>"):
        v.steps.append(("server" if word == "S>" else "client", octets(rest)))
    elif word in ("server<", "client<") and word[:-1] not in v.arrives:
        v.arrives[word[:-1]] = octets(rest)
    else:
        raise Failure(f"not understood: {line}")


def load():
    vectors = []
    for line in PATH.read_text().splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            read_line(vectors, line)
    for v in vectors:
        if not v.steps or len(v.arrives) != 2:
            raise Failure(f"{v.name} lacks something")
    return vectors
