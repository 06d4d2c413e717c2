#!/usr/bin/env python3
"""lint.py [ROOT]: what the compiler and clang-format do not check.

Looks at every file that git tracks or would add. One line per finding,
FILE:LINE: what is wrong. Exit status 1 if there is any.
"""

import os
import re
import subprocess
import sys

CPP = (".cpp", ".h")
TEXT = CPP + (".td", ".py", ".sh", ".md", ".mlir", ".test", ".txt", ".cmake",
              ".cfg", ".in", ".json")
# Exported models, and the files on which the lint itself is tested.
SKIPPED = ("test/models/", "test/Integration/Inputs/lint.txt")
MAX_LINES = 600
LICENSE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
DIRECTIVE = r"(?:LABEL|NEXT|SAME|NOT|DAG|EMPTY|COUNT-\d+)"


def project_files(root):
    """What git tracks or would add; all files where root is no repository."""
    def git(*arguments):
        try:
            result = subprocess.run(["git", "-C", root, *arguments], capture_output=True)
        except OSError:  # no git here
            return ""
        return result.stdout.decode() if result.returncode == 0 else ""

    top = git("rev-parse", "--show-toplevel").strip()
    if top and os.path.realpath(top) == os.path.realpath(root):
        found = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    else:
        found = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith((".", "build", "__"))]
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted({f for f in found if f and os.path.isfile(os.path.join(root, f))})


class Lint:
    def __init__(self, root):
        self.root, self.findings = root, []
        self.files = project_files(root)

    def report(self, path, line, message):
        self.findings.append(f"{path}:{line}: {message}")

    def run(self):
        for path in self.files:
            if not path.endswith(TEXT) or path.startswith(SKIPPED):
                continue
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                text = file.read()
            lines = text.split("\n")
            self.check_whitespace(path, lines)
            self.check_words(path, lines)
            if path.endswith(CPP + (".py",)) and len(lines) - 1 > MAX_LINES:
                self.report(path, 1, f"{len(lines) - 1} lines; split before {MAX_LINES}")
            if path.endswith(CPP + (".td",)):
                self.check_header(path, text)
            if path.endswith(CPP):
                self.check_includes(path, lines)
            if path.endswith((".h", ".td")):
                self.check_guard(path, text)
            if path.endswith((".mlir", ".test")):
                self.check_directives(path, lines)
            if path.endswith(".md"):
                self.check_links(path, lines)
            if path.endswith("Passes.td"):
                self.check_pass_tests(path, lines)

    def check_whitespace(self, path, lines):
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                self.report(path, number, "trailing white space")
            if "\t" in line:
                self.report(path, number, "tab")
        if lines[-1]:
            self.report(path, len(lines), "no newline at the end")
        elif len(lines) > 1 and not lines[-2]:
            self.report(path, len(lines) - 1, "empty line at the end")

    def check_words(self, path, lines):
        # Spelled apart so that this file does not find itself.
        unfinished = re.compile(r"\b(?:N" r"YI|FIX" r"ME|XX" r"X|TO" r"DO)\b")
        machine = re.compile(r"(?<![\w./$}])/(?:ho" r"me|ro" r"ot|wo" r"rk|tm" r"p|Us" r"ers)/\w")
        for number, line in enumerate(lines, 1):
            match = unfinished.search(line)
            if match:
                self.report(path, number, f"{match.group(0)}: finish it or say what is unsupported")
            match = machine.search(line)
            if match:
                self.report(path, number, f"path of one machine: {match.group(0)}...")

    def check_header(self, path, text):
        name = os.path.basename(path)
        if not text.startswith(f"//===- {name} - "):
            self.report(path, 1, f"does not begin with '//===- {name} - '")
        if LICENSE not in text[:600]:
            self.report(path, 1, "no licence line in the header")

    def check_guard(self, path, text):
        """include/QuantOpt/A/B.h -> QUANTOPT_A_B_H; elsewhere any guard."""
        guard = re.search(r"^#ifndef (\w+)\n#define (\w+)$", text, re.MULTILINE)
        if not guard or guard.group(1) != guard.group(2):
            if path != "lib/Precompiled.h":
                self.report(path, 1, "no include guard")
            return
        if path.startswith("include/"):
            wanted = re.sub(r"[/.]", "_", path[len("include/"):]).upper()
            if path.endswith(".td"):
                wanted = wanted[:-len("_TD")]
            if guard.group(1) not in (wanted, wanted + "_TD"):
                self.report(path, 1, f"include guard {guard.group(1)}, not {wanted}")

    def own_header(self, path):
        """The project's header with the same name as a .cpp, or None."""
        stem = os.path.splitext(os.path.basename(path))[0]
        folder = os.path.dirname(path)
        beside = f"{folder}/{stem}.h"
        if beside in self.files:
            return f"{stem}.h"
        if not path.startswith("lib/"):
            return None
        public = f"include/QuantOpt/{folder[len('lib/'):]}/{stem}.h"
        return public[len("include/"):] if public in self.files else None

    def check_includes(self, path, lines):
        includes = [(number, match.group(1)) for number, line in enumerate(lines, 1)
                    if (match := re.match(r'#include ["<](.*)[">]', line))]
        names = [name for _, name in includes]
        for number, name in includes:
            if name == "iostream":
                self.report(path, number, "<iostream> adds static constructors")
            if re.match(r"mlir/InitAll", name) and not path.startswith(("tools/", "test/")):
                self.report(path, number, f"{name} belongs to tools/ only")
            if name.startswith("bits/"):
                self.report(path, number, f"{name} is private to the compiler")
        for name in {n for n in names if names.count(n) > 1 and not n.endswith(".inc")}:
            self.report(path, 1, f"{name} is included {names.count(name)} times")
        if path.endswith(".h"):
            for number, line in enumerate(lines, 1):
                if re.match(r"\s*using namespace\b", line):
                    self.report(path, number, "using namespace in a header")
        own = self.own_header(path) if path.endswith(".cpp") else None
        if own and (not names or os.path.basename(names[0]) != os.path.basename(own)):
            self.report(path, includes[0][0] if includes else 1,
                        f"the first include is not its own header {own}")

    def check_directives(self, path, lines):
        prefixes = {"CHECK"}
        for line in lines:
            for match in re.finditer(r"check-prefix(?:es)?[= ]([\w,-]+)", line):
                prefixes |= set(match.group(1).split(","))
        names = "|".join(re.escape(p) for p in sorted(prefixes, key=len, reverse=True))
        # "CHECK-NEXT foo", and "CHECK foo" where foo looks like IR, not like prose.
        dead = re.compile(rf"\s*(?://|#)\s*(?:(?:{names})-{DIRECTIVE}(?![\w:{{-])"
                          rf"|(?:{names})(?:\s*$|\s+[%:\"'@{{(\[]|\s+\w+\.\w))")
        unknown = re.compile(rf"\s*(?://|#)\s*([A-Z][A-Z0-9_-]*?)-{DIRECTIVE}:")
        for number, line in enumerate(lines, 1):
            if dead.match(line):
                self.report(path, number, "FileCheck directive without a colon")
            match = unknown.match(line)
            if match and match.group(1) not in prefixes:
                self.report(path, number, f"no RUN line checks the prefix {match.group(1)}")
        if not re.search(r"(?:Inputs|install)/", path) and not any("RUN:" in line for line in lines):
            self.report(path, 1, "no RUN line")

    def check_links(self, path, lines):
        here, fenced = os.path.dirname(path), False
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"\w+:", target):
                    continue
                name, _, anchor = target.partition("#")
                file = os.path.normpath(os.path.join(here, name)) if name else path
                if not os.path.exists(os.path.join(self.root, file)):
                    self.report(path, number, f"broken link: {target}")
                elif anchor and anchor not in self.anchors(file):
                    self.report(path, number, f"no heading for: {target}")

    def anchors(self, path):
        """The anchors of a document's headings, as web front ends make them."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            text = file.read()
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        named = re.findall(r'<a (?:name|id)="([^"]+)"', text)
        return set(named) | {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-")
                             for h in headings}

    def check_pass_tests(self, path, lines):
        for number, line in enumerate(lines, 1):
            match = re.search(r'<"qopt-([\w-]+)"', line)
            if not match:
                continue
            folder = f"test/Transforms/{match.group(1)}/"
            if not any(f.startswith(folder) and f.endswith((".mlir", ".test"))
                       for f in self.files):
                self.report(path, number, f"pass qopt-{match.group(1)} has no tests in {folder}")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..")
    lint = Lint(root)
    lint.run()
    for finding in lint.findings:
        print(finding)
    print(f"lint: {len(lint.files)} files, {len(lint.findings)} findings")
    return 0 if lint.files and not lint.findings else 1


if __name__ == "__main__":
    sys.exit(main())
