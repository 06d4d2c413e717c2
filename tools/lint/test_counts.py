#!/usr/bin/env python3
"""test_counts.py STEPS.tsv RESULT.xml...: sums up what a check did.

STEPS.tsv has lines STATUS<tab>NAME<tab>REASON with STATUS passed, failed or
skipped; the others are JUnit files of lit and ctest. Prints what failed, what
was skipped and why, then one line of counts. Exit status 1 if anything failed
or nothing passed.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


def steps(path):
    with open(path) as file:
        for line in file:
            status, name, reason = (line.rstrip("\n").split("\t") + ["", ""])[:3]
            yield status, name, reason


def skip_reason(case, skipped):
    """GoogleTest's own words where there are any, else the attribute."""
    output = case.findtext("system-out") or ""
    said = re.search(r": Skipped\n(.+)", output)
    return said.group(1).strip() if said else skipped.get("message", "no reason given")


def junit(path):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}/{case.get('name')}".strip("/")
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name, ""
        elif skipped is not None:
            yield "skipped", name, skip_reason(case, skipped)
        else:
            yield "passed", name, ""


def main(steps_file, *xml_files):
    results = list(steps(steps_file))
    for path in xml_files:
        results += junit(path)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for status, name, reason in results:
        counts[status] += 1
        if status != "passed":
            print(f"{status}: {name}" + (f" ({reason})" if reason else ""))
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
