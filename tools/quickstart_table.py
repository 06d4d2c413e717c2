#!/usr/bin/env python3
"""quickstart_table.py MODEL REPORT.json FLOAT.json INT8.json: the table that
tools/quickstart.sh ends with, from quant-opt's report and quant-run's --json."""

import json
import sys


def load(path):
    with open(path) as file:
        return json.load(file)


def kib(count):
    return f"{count / 1024:.1f} KiB"


def percent(value):
    return "-" if value is None else f"{value:.2f} %"


def decibel(value):
    return "exact" if value is None else f"{value:.1f} dB"


def main(model, report_file, float_file, int8_file):
    summary = load(report_file)["summary"]
    runs = load(float_file), load(int8_file)
    before, after = summary["weights_bytes_before"], summary["weights_bytes_after"]
    compared = [run["reference"][0] for run in runs]
    accuracy = [run["labels"]["top1_percent"] for run in runs]
    latency = [run["benchmark"]["latency_ms"]["median"] for run in runs]
    total = summary["contractions"]

    rows = [("", "float", "int8", ""),
            ("weights", kib(before), kib(after), f"{before / after:.2f}x smaller"),
            ("contractions in int8", f"0 of {total}",
             f"{summary['contractions_int8']} of {total}", ""),
            ("accuracy (top-1)", *map(percent, accuracy),
             f"{accuracy[1] - accuracy[0]:+.2f} points"),
            ("SQNR", *(decibel(c["sqnr_db"]) for c in compared), ""),
            ("argmax agreement", *(percent(c["argmax_agreement_percent"]) for c in compared), ""),
            (f"latency, batch {runs[0]['run']['batch']}", *(f"{ms:.3f} ms" for ms in latency),
             f"{latency[0] / latency[1]:.2f}x faster")]
    print(f"{model}: {runs[0]['run']['samples']} samples, compared with the output of the "
          "exporter's framework; median latency")
    for name, *cells, note in rows:
        print(f"  {name:22}{cells[0]:>13}{cells[1]:>13}  {note}".rstrip())


if __name__ == "__main__":
    main(*sys.argv[1:])
