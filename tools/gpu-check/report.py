"""The result as JSON text and as a table."""

import json

import latency_part

# Dense int8 operations per second, in units of 10^12, by words of the GPU's
# name (NVIDIA's data sheets); the first that fits.
PEAKS = (("H100 PCIe", 1513), ("H100 NVL", 1671), ("H100", 1979), ("H200", 1979),
         ("H800", 1979), ("GH200", 1979), ("H20", 296), ("B200", 4500), ("A100", 624),
         ("A800", 624), ("A30", 330), ("A40", 299), ("A10G", 140), ("A10", 250),
         ("L40S", 733), ("L40", 362), ("L4", 242), ("RTX 4090", 661), ("RTX 3090", 284))
BASELINES = ("cublaslt_i32", "cublaslt_s8", "cublaslt_s8_channel", "torch_int_mm")


def peak_tops(name):
    return next((peak for words, peak in PEAKS if words in name), None)


def dump(result):
    """JSON text; what fits is on one line."""
    return format_json(result, 0) + "\n"


def format_json(value, indent):
    text = json.dumps(value)
    if len(text) + indent <= 110 or not isinstance(value, (dict, list)):
        return text
    margin = " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{margin}{json.dumps(key)}: {format_json(item, indent + 1)}"
                 for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
    items = [margin + format_json(item, indent + 1) for item in value]
    return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]"


def best(shape, names):
    """(name, row) of the fastest of the candidates that ran; None if none.
    Wrong results of ours do not count."""
    rows = [(row["us"], name, row) for name, row in shape["candidates"].items()
            if "us" in row and names(name)
            and not (name.startswith("ours") and row.get("exact") is False)]
    return min(rows)[1:] if rows else None


def shorten(config):
    """"128x256x64 w64x64 s4" of a configuration's name."""
    words = config.split("_")
    try:
        block, warp = words.index("block"), words.index("warp")
        text = f"{words[0]} {'x'.join(words[block + 1:block + 4])}"
        text += f" w{'x'.join(words[warp + 1:warp + 3])}"
        text += "".join(" " + word.replace("stages", "s").replace("splitk", "k")
                        for word in words[warp + 3:] if word not in ("stages1", "splitk1"))
        return text
    except ValueError:
        return config


def chosen(shape):
    """(name, row) of the configuration that the cost model chose, if it ran."""
    return next(((name, row) for name, row in shape["candidates"].items()
                 if row.get("chosen") and "us" in row), None)


def bench_lines(bench):
    gpu = bench.get("torch", {}).get("gpu", "")
    peak, copy = bench.get("peak_tops"), bench.get("copy", {}).get("gbps")
    yield (f"{gpu}: int8 peak {peak or '?'} TOPS, copies move {copy or '?'} GB/s; cuBLASLt "
           f"{bench.get('cublaslt', {}).get('version', '?')}")
    yield (f"{'M x N x K':>18} {'us':>9} {'TOPS':>7} {'peak':>6} {'GB/s':>6} {'copy':>6} "
           f"{'blas32':>7} {'blas8':>7} {'blas8ch':>7} {'int_mm':>7} {'fp16':>7} {'gain':>6}  "
           "chosen configuration (fastest, where another one is)")
    for shape in sorted(bench["shapes"], key=lambda s: (s["m"] <= 128, s["n"] * s["k"], s["m"])):
        yield shape_line(shape, peak, copy)
    yield "(times of the baselines in us; gain: fastest int8 baseline / ours)"


def shape_line(shape, peak, copy):
    label = f"{shape['m']}x{shape['n']}x{shape['k']}"
    fastest = best(shape, lambda name: name.startswith("ours"))
    cells = []
    for name in (*BASELINES, "torch_fp16"):
        row = shape["candidates"].get(name, {})
        cells.append(f"{row['us']:7.1f}" if "us" in row else f"{'-':>7}")
    baselines = " ".join(cells)
    if not fastest:
        return f"{label:>18} {'-':>9} {'':>29} {baselines}"
    name, row = chosen(shape) or fastest
    rival = best(shape, lambda name: name in BASELINES)
    gain = f"{rival[1]['us'] / row['us']:5.2f}x" if rival else f"{'-':>6}"
    config = shorten(name[len("ours "):])
    if fastest[0] != name:
        config += f" ({fastest[1]['us']:.2f} us: {shorten(fastest[0][len('ours '):])})"
    wrong = sum(r.get("exact") is False for n, r in shape["candidates"].items()
                if n.startswith("ours"))
    return (f"{label:>18} {row['us']:9.2f} {row['tops']:7.1f} {percent(row['tops'], peak)} "
            f"{row['gbps']:6.0f} {percent(row['gbps'], copy)} {baselines} {gain}  {config}"
            + (f"  {wrong} WRONG" if wrong else ""))


def percent(value, whole):
    return f"{100 * value / whole:5.1f}%" if whole else "     -"


def last_line(message):
    """Where a message has several lines, the last says what it was."""
    lines = (message or "").strip().splitlines() or [""]
    return lines[-1][:200]


def left_out(result):
    """Models that the compiler refused when the bundle was made."""
    models = result.get("bundle", {}).get("models", {})
    return {name: text for name, text in models.items() if text != "compiled"}


def table(result):
    gpu = result["machine"].get("gpu", {})
    lines = [f"{result['device']} {gpu.get('name', '')} driver {gpu.get('driver_version', '-')} "
             f"CUDA {result['machine'].get('driver_cuda', '-')}"]
    for name, part in result["parts"].items():
        detail = part.get("summary") or part.get("reason", "")
        lines.append(f"{part['status']:>8}  {name:<10} {part['seconds']:6.1f} s  {detail}")
        for failure in part.get("failures", [])[:8]:
            lines.append(f"{'':10}{failure['outcome']}: {failure['name']}: "
                         f"{last_line(failure['message'])}")
        for note in part.get("notes", [])[:3]:
            lines.append(f"{'':10}note: {last_line(note)}")
        for model, row in part.get("models", {}).items():
            latency = (row.get("benchmark") or {}).get("latency_ms", {})
            time = f"{latency['median']:.3f} ms" if latency else ""
            sqnr = row.get("sqnr_db")
            quality = f"{sqnr:.1f} dB" if sqnr is not None else ""
            lines.append(f"{'':10}{row['outcome']}: {model} {time} {quality} "
                         f"{last_line(row['message'])}")
        for error in part.get("errors", [])[:8]:
            lines.append(f"{'':10}error: {last_line(error.get('message'))}")
        for item in part.get("runs", []):
            lines.append(f"{'':10}{item['outcome']}: {item['tool']} {item['cases']} "
                         f"{last_line(item.get('message'))}")
    for name, text in left_out(result).items():
        lines.append(f"left out: {name}: {last_line(text)}")
    latency = result["parts"].get("latency", {}).get("latency")
    if latency:
        lines += ["", *latency_part.lines(latency)]
    bench = result["parts"].get("bench", {})
    if bench.get("shapes"):
        lines += ["", *bench_lines(bench)]
    lines += ["", "PASSED" if result.get("passed") else "FAILED"]
    return "\n".join(lines)
