#!/usr/bin/env python3
"""test_counts.py FOLDER: sums up what tools/check.sh did.

  steps.tsv        lines STATUS<tab>NAME<tab>REASON; passed, failed or skipped
  lit*.xml         JUnit files of lit: one case per test file
  gtest*/*.xml     GoogleTest's own files: one case per test
  ctest*.xml       JUnit files of ctest, which sees whole executables: those of
                   GoogleTest count only where one failed without saying which
                   test did

Prints what failed, what was skipped and why, then one line of counts. Exit
status 1 if anything failed or nothing passed.
"""

import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def steps(path):
    with open(path) as file:
        for line in file:
            status, name, reason = (line.rstrip("\n").split("\t") + ["", ""])[:3]
            yield status, name, reason


def junit(path, wanted=lambda case: True):
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if not wanted(case):
            continue
        name = f"{case.get('classname', '')}/{case.get('name')}".strip("/")
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name, ""
        elif skipped is not None:
            yield "skipped", name, skipped.get("message", "no reason given").strip()
        elif case.get("status") == "notrun":
            yield "skipped", name, "disabled"
        else:
            yield "passed", name, ""


def main(folder):
    def files(pattern):
        return sorted(glob.glob(os.path.join(folder, pattern)))

    results = list(steps(os.path.join(folder, "steps.tsv")))
    for path in files("lit*.xml"):
        results += junit(path)
    told = 0  # executables that named their failures
    for path in files("gtest*/*.xml"):
        cases = list(junit(path))
        told += any(status == "failed" for status, _, _ in cases)
        results += cases

    def is_gtest(case):
        return "[==========]" in (case.findtext("system-out") or "")

    for path in files("ctest*.xml"):
        results += junit(path, lambda case: not is_gtest(case))
        failed = [case for case in junit(path, is_gtest) if case[0] == "failed"]
        results += failed[told:]
        told = max(0, told - len(failed))

    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for status, name, reason in results:
        counts[status] += 1
        if status != "passed":
            print(f"{status}: {name}" + (f" ({reason})" if reason else ""))
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
