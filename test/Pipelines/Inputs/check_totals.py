"""check_totals.py REPORT.json: the totals of kernels are the sums of launches."""
import json
import math
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    chips = json.load(file)["kernels"]
assert chips, "no chips"
for chip in chips:
    totals, launches = chip["totals"], chip["launches"]
    assert totals["launches"] == len(launches)
    assert totals["in_place"] == sum(launch["in_place"] for launch in launches)
    assert totals["copies"] == sum(launch["family"] == "copy" for launch in launches)
    for key in ("bytes_read", "bytes_written", "macs", "scalar_ops",
                "estimated_us", "estimated_uj"):
        total = math.fsum(launch[key] for launch in launches)
        assert math.isclose(totals[key], total, rel_tol=1e-9), key
    for launch in launches:
        for key in ("tensor_utilisation", "bandwidth_utilisation"):
            assert 0 <= launch[key] <= 1, (launch["name"], key, launch[key])
    memory = chip["memory"]
    assert memory["lower_bound_bytes"] <= memory["arena_bytes"]
