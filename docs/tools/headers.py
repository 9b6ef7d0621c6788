# SPDX-License-Identifier: Apache-2.0
"""Reads the public names of a header, with their comments, from its text.

The headers are formatted by clang-format: what starts a line at the indentation of its scope starts
a declaration, which ends where its brackets are closed and a `;` or `}` stands at the end.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Item:
    kind: str  # function, class, enum, concept, alias, variable, macro
    name: str
    scope: str  # namespace, or class for members
    signature: str
    doc: list
    line: int
    last: int
    grouped: bool = False  # the comment is that of the declarations above it
    members: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    special: bool = False  # a specialisation: its template is what is documented


@dataclass
class Header:
    path: str  # below include/cardiomm
    doc: list
    items: list
    lines: list


_STRING = re.compile(r'R"\w*\(.*?\)\w*"|"(?:\\.|[^"\\])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\])\'')
_OPEN, _CLOSE = "([{", ")]}"


def bare(line):
    """The line without strings and comments."""
    return _STRING.sub('""', line).split("//")[0].rstrip()


def depth_of(code):
    return sum(code.count(c) for c in _OPEN) - sum(code.count(c) for c in _CLOSE)


def skip_angles(code):
    """What follows a template<...> at the start of code."""
    depth = 0
    for i, c in enumerate(code):
        if c == "<":
            depth += 1
        elif c == ">" and code[i - 1] not in "-=":
            depth -= 1
            if depth == 0:
                return code[i + 1 :].lstrip()
        elif c == "(":  # brackets inside may hold comparisons
            continue
    return code


def skip_requires(code):
    """What follows the clause: conditions in brackets or concepts with arguments, joined by && or ||."""
    while True:
        code = code.lstrip(" !")
        if code.startswith("("):
            depth = 0
            for i, c in enumerate(code):
                depth += (c == "(") - (c == ")")
                if depth == 0:
                    break
            code = code[i + 1 :].lstrip()
        else:
            name = re.match(r"[\w:]+\s*", code)
            code = code[name.end() :] if name else code
            if code.startswith("<"):
                code = skip_angles(code)
            while match := re.match(r"::\w+", code):
                code = code[match.end() :].lstrip()
        if not code.startswith(("&&", "||")):
            return code
        code = code[2:]


_SKIP = re.compile(
    r"^(static_assert|extern\b|friend\b|template\s+(?!<)|using\s+namespace|using\s+[\w:]+::|"
    r"namespace\s+\w+\s*=|CARDIOMM_[A-Z_]+\(|KOKKOS_[A-Z_]+\(|asm\b|typedef\b)"
)
_WORDS = r"(?:KOKKOS_\w+|CARDIOMM_INLINED|inline|constexpr|consteval|static|\[\[[\w:\" ()]*\]\]|mutable|virtual)"


def classify(code):
    """(kind, name, special) of the declaration whose text, without comments, is code; or None."""
    rest = " ".join(code.split())
    if _SKIP.match(rest):
        return None
    while rest.startswith("template"):
        rest = skip_angles(rest[len("template") :].lstrip())
    if match := re.match(r"concept\s+(\w+)", rest):
        return "concept", match[1], False
    if rest.startswith("requires"):
        rest = skip_requires(rest[len("requires") :])
    rest = re.sub(rf"^(?:{_WORDS}\s+)+", "", rest)
    if match := re.match(r"(?:struct|class|union)\s+(?:alignas\([^)]*\)\s*)?([\w:]+)\s*(<)?", rest):
        # a function or variable of elaborated type has brackets before its brace
        if re.match(r"(?:struct|class|union)\s+[\w:]+\s*;", rest):
            return None
        return "class", match[1], bool(match[2])
    if match := re.match(r"enum\s+(?:class\s+|struct\s+)?(\w+)", rest):
        return "enum", match[1], False
    if match := re.match(r"using\s+(\w+)\s*(?:\[\[.*\]\]\s*)?=", rest):
        return "alias", match[1], False
    if match := re.search(r"\boperator\s*(\(\)|\[\]|\"\"\s*\w+|[^\s\w(]+|new|delete|[\w: <>*&]+?)\s*\(", rest):
        before = rest[: match.start()]
        if before.endswith("::"):
            return None
        if "=" not in before and "(" not in before.replace("explicit(", ""):
            return "function", "operator" + match[1].strip(), False
    rest = re.sub(r"\bdecltype\(auto\)|\bexplicit\([^()]*\)|\balignas\([^()]*\)", "auto", rest)
    rest = re.sub(r"\bdecltype\([^()]*(\([^()]*\)[^()]*)*\)", "auto", rest)
    rest = re.sub(r"\bstd::function<[^;=]*?\)>", "std::function", rest)
    depth, last = 0, ""
    for i, c in enumerate(rest):
        if c == "<" and not rest[i - 1 : i].isspace():
            depth += 1
        elif c == ">" and depth and rest[i - 1] != "-":
            depth -= 1
        elif depth == 0 and c in "(={;":
            last = c
            head = rest[:i].rstrip()
            break
    else:
        return None
    name = re.search(r"(~?[\w]+)(?:\s*<.*>)?(?:\[[^\]]*\])*$", head)
    if name and last == "(" and head[: name.start()].endswith("::"):
        return None  # the definition of a member that its class declares
    if not name:
        return None
    if last == "(":
        if "->" in rest[i:] and re.search(r"\)\s*->\s*[\w:]+<", rest) and " " not in head.replace("explicit ", ""):
            if not rest.rstrip().endswith("}"):
                return None  # a deduction guide
        return "function", name[1], False
    return "variable", name[1], False


def errors_in(lines):
    """What the body throws: (type, words) of require<...>, throw and fail in these lines."""
    found, text = [], "\n".join(line.split("  //")[0] for line in lines)
    pattern = re.compile(r"\b(?:require(?:<(\w+)>)?|throw\s+([\w:]*error)|(?:linop::)?detail::fail<(\w+)>)\s*\(")
    for match in pattern.finditer(text):
        depth, i, quoted = 1, match.end(), False
        while i < len(text) and depth:
            if text[i] == '"' and text[i - 1] != "\\":
                quoted = not quoted
            if not quoted:
                depth += text[i] == "("
                depth -= text[i] == ")"
            i += 1
        call = text[match.end() : i - 1]
        words, at, tail = "", 0, 0
        for string in re.finditer(r'"((?:\\.|[^"\\])*)"', call):
            between = call[at : string.start()]
            if words and between.strip(" \n,+"):
                words += "…"
            words, at, tail = words + string[1], string.end(), string.end()
        if not words:
            continue
        if call[tail:].strip(" \n,+"):
            words += "…"
        kind = match[1] or match[2] or match[3] or "value_error"
        entry = (kind.split("::")[-1], words.replace('\\"', '"'))
        if entry not in found:
            found.append(entry)
    return found


def doc_text(line):
    return re.sub(r"^\s*///<? ?", "", line)


class Reader:
    def __init__(self, lines):
        self.lines = lines

    def gather(self, i, end):
        """First line after the declaration that starts at line i."""
        depth = 0
        while i < end:
            code = bare(self.lines[i])
            depth += depth_of(code)
            i += 1
            if depth <= 0 and code.endswith((";", "}")):
                break
        return i

    def scope(self, begin, end, indent, name, public=True, klass=""):
        """Items of lines [begin, end), whose declarations start at this indentation."""
        items, doc, grouped, group_kind, i = [], [], False, None, begin
        pad = " " * indent
        while i < end:
            line = self.lines[i]
            text = line.strip()
            if not text:
                doc, grouped = [], False
            elif text.startswith("///"):
                if not text.startswith("///<"):
                    if grouped:
                        doc, grouped = [], False
                    doc = doc + [doc_text(line)]
            elif text.startswith("#"):
                match = re.match(r"#define (CARDIOMM_\w+)(\([^)]*\))?", text)
                if match and doc and not grouped and not klass:
                    items.append(Item("macro", match[1], "", "#define " + match[1] + (match[2] or ""), doc, i + 1, i + 1))
                while self.lines[i].endswith("\\"):
                    i += 1
                if match or not text.startswith("#if"):
                    doc, grouped = [], False
            elif text.startswith("//"):
                pass
            elif re.match(r"(public|private|protected):", text):
                public, doc = text.startswith("public"), []
            elif match := re.match(r"namespace ([\w: ]+) \{", text):
                inner = match[1].replace("inline CARDIOMM_ABI", "").strip(":").replace("::::", "::").rstrip(":")
                last = self.closing(i, end)
                path = "::".join(p for p in (name, inner) if p)
                items += self.scope(i + 1, last, indent, path)
                i, doc = last, []
            elif line.startswith(pad) and not line.startswith(pad + " "):
                last = self.gather(i, end)
                item = self.declaration(i, last, indent, name, doc, grouped, klass)
                if item and public and not item.name.endswith("_"):
                    items.append(item)
                grouped = bool(doc) and (item is None or item.kind != "class" or grouped)
                if item is None:
                    grouped = bool(doc)
                i = last - 1
            i += 1
        return items

    def closing(self, i, end):
        depth = 0
        while i < end:
            depth += depth_of(bare(self.lines[i]))
            if depth <= 0:
                return i
            i += 1
        return end

    def declaration(self, i, last, indent, scope, doc, grouped, klass):
        lines = self.lines[i:last]
        found = classify(" ".join(bare(line) for line in lines))
        if not found:
            return None
        kind, name, special = found
        trailing = [doc_text(re.search(r"///<.*", line)[0]) for line in lines if "///<" in line]
        follow = last
        while kind in ("variable", "alias") and follow < len(self.lines) and re.match(
            r"\s*///<", self.lines[follow]
        ):
            trailing.append(doc_text(self.lines[follow].strip()))
            follow += 1
        own = kind in ("variable", "alias", "function") and trailing and kind != "function"
        item = Item(kind, name, scope, "", trailing if own else list(doc), i + 1, last,
                    grouped and not own, special=special)
        item.signature = self.signature(kind, lines, indent)
        if kind == "class":
            opened = next((k for k in range(i, last) if self.opens_body(i, k)), None)
            if opened is not None and last - opened > 1:
                struct = not re.search(r"(^|\s)class\s+" + re.escape(name), " ".join(bare(x) for x in lines[: opened - i + 1]).split(">")[-1])
                full = f"{scope}::{name}"
                item.members = self.scope(opened + 1, last - 1, indent + 2, full, struct, name)
        elif kind == "enum":
            item.members = self.enumerators(i, last, f"{scope}::{name}")
        elif kind == "function":
            item.errors = errors_in(lines)
        return item

    def opens_body(self, i, k):
        depth = sum(depth_of(bare(line)) for line in self.lines[i : k + 1])
        return depth == 1 and bare(self.lines[k]).endswith("{")

    def enumerators(self, i, last, scope):
        items, doc = [], []
        for k in range(i, last):
            text = self.lines[k]
            if text.strip().startswith("///") and not text.strip().startswith("///<"):
                doc.append(doc_text(text))
                continue
            code = bare(text)
            if k == i:
                code = code.split("{", 1)[-1] if "{" in code else ""
            code = code.split("}")[0]
            note = [doc_text(m[0]) for m in [re.search(r"///<.*", text)] if m]
            names = [n.strip() for n in code.split(",") if re.match(r"\s*[a-z_]\w*", n)]
            if not names and note and items:
                items[-1].doc += note
            for n in names:
                items.append(Item("enumerator", n.split("=")[0].strip(), scope, n, note or doc, k + 1, k + 1))
            if names:
                doc = []
        return items

    @staticmethod
    def signature(kind, lines, indent):
        lines = [line[indent:] for line in lines]
        if kind in ("concept", "alias"):
            return "\n".join(re.sub(r"\s*///<.*", "", line) for line in lines)
        if kind == "variable":
            text = "\n".join(re.sub(r"\s*//.*", "", line) for line in lines)
            return text if len(lines) <= 6 else text.split("{")[0].rstrip(" =") + " = {...};"
        out, depth, started = [], 0, False
        for line in lines:
            line = re.sub(r"\s*//.*", "", line)
            code, clean = "", bare(line)
            for k, c in enumerate(line):
                depth += (c in "([") - (c in ")]")
                previous = (line[:k].rstrip() or " ")[-1]
                if c == "{" and depth == 0 and previous not in "=,(":
                    started = True
                    break
                if c == ":" and depth == 0 and kind == "function" and line[k - 1 : k + 2] == " : ":
                    started = True
                    break
                if c == ":" and depth == 0 and kind == "function" and not line[:k].strip() and line[k + 1 : k + 2] == " ":
                    started = True
                    break
                code += c
            if code.strip():
                out.append(code.rstrip())
            if started or (clean.endswith(";") and depth <= 0):
                break
        text = "\n".join(out).rstrip()
        return re.sub(r"\b(KOKKOS_INLINE_FUNCTION|KOKKOS_FORCEINLINE_FUNCTION|KOKKOS_FUNCTION|CARDIOMM_INLINED|inline)\s+", "", text)


def read_header(root, path):
    lines = (Path(root) / "include/cardiomm" / path).read_text().splitlines()
    reader, doc, i = Reader(lines), [], 0
    while i < len(lines) and "\\file" not in lines[i]:
        i += 1
    first = i + 1
    while first < len(lines) and lines[first].startswith("///"):
        doc.append(doc_text(lines[first]))
        first += 1
    return Header(path, doc, reader.scope(first, len(lines), 0, ""), lines)


def is_public(item):
    """For users: no details, and not what the tests are made from."""
    return "detail" not in item.scope.split("::") and not re.search(r"(^|_)specimens?$", item.name)


def read_all(root):
    base = Path(root) / "include/cardiomm"
    paths = sorted(str(p.relative_to(base)) for p in base.rglob("*.hpp"))
    return [read_header(root, p) for p in paths]
