#!/usr/bin/env python3
"""docs_commands.py SCRATCH REPOSITORY: runs what README.md and docs/*.md show.

  <!-- run -->             the ```sh block below is executed
  <!-- output: COMMAND --> the block below is what COMMAND prints

Both run in a scratch folder that looks like the repository (test/, tools/, docs/
and build/bin with the tools of this build), all blocks of a document in order.
The module attribute `qopt.report` and trailing blanks are left out of
comparisons.
"""

import difflib
import os
import re
import shutil
import subprocess
import sys

from harness import check, fail

MARK = re.compile(r"<!-- (run|output: (.*?)) -->\n+```\w*\n(.*?)\n```", re.DOTALL)


def sandbox(scratch, repository):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(os.path.join(scratch, "build", "bin"))
    for name in ("test", "tools", "docs"):
        os.symlink(os.path.abspath(os.path.join(repository, name)),
                   os.path.join(scratch, name))
    for tool in ("quant-opt", "quant-run"):
        os.symlink(shutil.which(tool), os.path.join(scratch, "build", "bin", tool))
    libraries = os.path.join(os.path.dirname(shutil.which("quant-opt")), "..", "lib")
    os.symlink(os.path.abspath(libraries), os.path.join(scratch, "build", "lib"))


def normalized(text):
    text = re.sub(r"module attributes \{qopt\.report = .*\} \{$", "module {", text,
                  flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip().splitlines()]


def execute(command, scratch, where):
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=scratch,
                            capture_output=True, text=True, timeout=600)
    if result.returncode:
        fail(f"{where}: exit status {result.returncode} of\n{command}\n"
             + result.stderr[-2000:])
    return result.stdout


def main(scratch, repository):
    sandbox(scratch, repository)
    docs = os.path.join(repository, "docs")
    documents = [os.path.join(repository, "README.md")] + sorted(
        os.path.join(docs, name) for name in os.listdir(docs) if name.endswith(".md"))
    blocks = 0
    for document in documents:
        with open(document) as file:
            text = file.read()
        marks = len(re.findall(r"^<!-- (?:run|output)", text, re.MULTILINE))
        found = list(MARK.finditer(text))
        name = os.path.basename(document)
        check(marks == len(found), f"{name}: {marks} marks but {len(found)} blocks")
        for match in found:
            where = f"{name}:{text[:match.start()].count(chr(10)) + 1}"
            blocks += 1
            if match.group(1) == "run":
                execute(match.group(3), scratch, where)
                continue
            shown = normalized(match.group(3))
            printed = normalized(execute(match.group(2), scratch, where))
            if shown != printed:
                fail(f"{where}: differs from what the command prints\n" + "\n".join(
                    difflib.unified_diff(shown, printed, "document", "printed",
                                         lineterm="")))
    check(blocks > 0, "no blocks to check")
    print(f"{blocks} blocks of {len(documents)} documents")


if __name__ == "__main__":
    main(*sys.argv[1:])
