#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the page of verdicts (bench/gpu_page.py) on made details, and on the output of the programs.

usage: test.py [LOCKSTEP_BENCH LOCKSTEP]

Made details of an H100 that reaches every aim are changed in one place each: a figure that is
missing, one that does not reach its aim, another device. With the programs, the page must find the
figures in what they print today.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True
import gpu_page
HASH = "fee72ad2" * 8
H100 = "device under test: 2  gpu: NVIDIA H100 80GB HBM3, NVIDIA CUDA, driver 580.159.04, 79.2 GiB: exact"
TUNED = {"784-128-10-128": 25, "784-512-512-10-256": 70, "2-20-20-1-400": 17, "784-2048-2048-10-512": 450, "784-4096-4096-10-4096": 9900}


def step(us):
    return f"step         784-128-10 batch 128 adam               28.9 GFLOP/s    3.1 % of peak  {us:10.1f} us  ±0.2 %"


def row(name, us, ratio=1):
    return f"{name:30} {us:11.2f}     333.0   1.0% {ratio:12.2f}x         2.2825"


def matmul(form, rate):
    return f"matmul       {form} 4096x4096x4096                    {rate * 1000:9.1f} GFLOP/s   91.0 % of peak      2800.0 us  ±0.1 %"


def train(device, seconds):
    return [f"device     {device} (exact)", "chosen     NVIDIA H100: 1029 steps/s; CPU path: 36 steps/s",
            "trained    10 epochs, 2350 steps in 0.90 s (2611 steps/s), stopped by epochs", f"(took {seconds:.2f} s)"]


def good():
    """Parts of a report in which every aim is reached: {name: lines}."""
    parts = {"self-check": [H100, "(took 7.50 s)"]}
    for name in ("hash cpu", "hash device", "hash tuned"):
        parts[name] = ["adam     " + "0" * 64, "all    " + HASH]
    for name, us in TUNED.items():
        parts["step " + name] = [step(us)]
        parts["tuned " + name] = [step(us - 1)]
        parts["peers " + name] = [
            row("Lockstep CPU path", 100 * us), row("Lockstep OpenCL 2", us),
            row("torch-graph, on cuda", 5 * us), "less precise products, so not the same work:", row("torch-graph-tf32, on cuda", 2 * us)]
    parts["matmul"] = [matmul("NN", 48.5), matmul("NT", 48.1), matmul("TN", 44.2)]
    parts["elementwise"] = [
        f"elementwise  update {name}, 8388608 parameters      2200.0 GB/s   {95 + i}.0 % of peak      42.0 us  ±0.1 %"
        for i, name in enumerate(("gd", "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"))]
    for members, us in ((1000, 0.19), (8192, 0.09)):
        parts[f"fleet {members}"] = [row("Lockstep CPU path", 1.7), row("Lockstep OpenCL 2", us), row("torch-bmm-graph, on cuda", 0.52)]
    for how, seconds in (("device", 0.31), ("cpu", 0.77)):
        parts["search " + how] = [f"search     random, 60 trials, 5 folds of 5404 rows, {seconds} s"]
    for network in ("784-512-512-10", "784-2048-2048-10"):
        parts[f"train {network} auto"] = train("NVIDIA H100 80GB HBM3", 1.12)
        parts[f"train {network} forced"] = train("NVIDIA H100 80GB HBM3", 1.07)
        parts[f"train {network} cpu"] = train("CPU path (avx512, 16 threads)", 4.4)
    parts["choose"] = ["    8     1    32       1  *     1.13        1.17<      3.5 %    0.13 %    -4.0 %    0.55 s",
                       "  128     4   512       8  *    50.00<       9.90       0.0 %    1.10 %     2.0 %    0.52 s (undecided)"]
    parts["small"] = ["2-4-4-1         100  relu     gd         2.89 ± 1.8 %     0.14    5.0 %      4.58  reached  0.79 x the speed of the first device"]
    parts["tests"] = ["1/2 Test  #3: test_parity ...............   Passed    1.10 sec", "2/2 Test #40: test_ways .................   Passed   13.10 sec"]
    return parts


def page_of(parts):
    text = "Lockstep ee62a03 on Linux x86_64, 2026-11-26\n"
    for name, lines in parts.items():
        ended = any(re.match(r"\((took|stopped|ended|not run)", line) for line in lines)
        text += "\n".join([f"== {name}", "$ a command", *lines, *([] if ended else ["(took 1.00 s)"]), "", ""])
    return gpu_page.make_page(text)


def line_of(page, label):
    found = [line for line in page.splitlines() if line.startswith(label)]
    return found[0] if len(found) == 1 else f"{len(found)} lines of {label}"


def changed(name, lines):
    parts = good()
    if lines is None:
        del parts[name]
    else:
        parts[name] = lines
    return parts


def other_device(us):
    parts = changed("self-check", ["device under test: 1  gpu: AMD Radeon, AMD, driver 1, 16.0 GiB: exact", "(took 7.50 s)"])
    parts["peers 784-128-10-128"] = [row("Lockstep CPU path", 40), row("Lockstep OpenCL 1", us)]
    parts["step 784-128-10-128"] = [step(us)]
    return parts


def last_line(reached=19, missed=0, missing=0, out=0):
    return f"{reached} reached, {missed} not reached, {missing} missing, {out} not run"


ALL, MISSED, MISSING, OUT = last_line(), last_line(18, missed=1), last_line(18, missing=1), last_line(18, out=1)
UNEVEN = [line.replace("95.0 %", "51.4 %") for line in good()["elementwise"]]
AUTO, CPU = "train 784-512-512-10 auto", "CPU path (avx512, 16 threads)"
CHOICE = "    8     1    32       1  *     1.13        1.60<      {} %    {} %    42.4 %    0.55 s"
SEARCH = "search     random, 60 trials, 5 folds of 5404 rows, {} s"
# what: (parts, label of the line, words in it, the last line of the page or "")
CASES = {
    "all reached": (good(), "step 784-128-10", "25 us *<= 30 us *reached", ALL),
    "peers beside it": (
        good(), "step 784-128-10",
        r"CPU path 2500 us \(100\.00 x\); torch-graph, on cuda 125 us \(5\.00 x\); tuned 24 us", ALL),
    "fleets in members' steps": (
        good(), "fleet of 1000", r"5\.263 M/s +>= 5 M/s +reached +CPU path 0\.588 M", ALL),
    "a step too slow": (
        changed("step 784-128-10-128", [step(30.1)]), "step 784-128-10", "30.1 us .*NOT REACHED", MISSED),
    "a part left out": (changed("step 784-128-10-128", None), "step 784-128-10", "  not run$", OUT),
    "no time left": (
        changed("matmul", ["(not run: no time left)"]), "product NT", "not run +no time left", last_line(16, out=3)),
    "a part that failed": (
        changed("step 784-128-10-128", ["lockstep-bench: out of memory", "(ended with status 1)"]),
        "step 784-128-10", "missing +ended with status 1", MISSING),
    "output without the figure": (
        changed("matmul", [matmul("NN", 48.5), matmul("TN", 44.2)]), "product NT", "missing +no figure", MISSING),
    "a part that was stopped": (
        changed("fleet 8192", ["(stopped after 75.00 s)"]), "fleet of 8192", "missing +stopped after 75", MISSING),
    "an interrupted report": (changed("search cpu", ["(took x"]), "search", "missing +it did not end", MISSING),
    "each form has its aim": (
        changed("matmul", [matmul("NN", 47.9), matmul("NT", 48), matmul("TN", 47)]), "product NN", "NOT REACHED", MISSED),
    "other bits": (
        changed("hash device", ["all    " + "0" * 64]), "bits of whole runs", "NOT REACHED .*please report", MISSED),
    "one optimizer": (
        changed("elementwise", UNEVEN), "optimizer passes", r"0\.51 .*NOT REACHED +gd 0\.51; sgd 0\.96", MISSED),
    "an optimizer missing": (changed("elementwise", UNEVEN[1:]), "optimizer passes", "missing +6 of 7", MISSING),
    "fleet too slow": (
        changed("fleet 8192", [row("Lockstep OpenCL 2", 0.11)]), "fleet of 8192", r"9\.09\d* M/s .*NOT REACHED", MISSED),
    "search slower": (changed("search device", [SEARCH.format("1.80")]), "search", "NOT REACHED", MISSED),
    "search too fast to time": (
        changed("search device", [SEARCH.format("0.00")]), "search", "missing +0.00 was measured", MISSING),
    "auto on the CPU path": (
        changed(AUTO, train(CPU, 1.1)), "train 784-512-512-10", "NOT REACHED +auto chose CPU path", MISSED),
    "auto too slow": (
        changed(AUTO, train("NVIDIA H100 80GB HBM3", 1.3)), "train 784-512-512-10", "NOT REACHED", MISSED),
    "a bad choice": (changed("choose", [CHOICE.format(40.9, 0.1)]), "choices of auto", "0 of 1 .*NOT REACHED", MISSED),
    "a costly choice": (changed("choose", [CHOICE.format(0.9, 3.1)]), "choices of auto", "0 of 1 .*NOT REACHED", MISSED),
    "a slow first look": (changed("self-check", [H100, "(took 50.10 s)"]), "self-check", "50.1 s .*NOT REACHED", MISSED),
    "a failed test": (
        changed("tests", ["1/2 Test  #3: test_parity ...............***Failed    1.10 sec"]), "test programs",
        "0 of 1 .*NOT REACHED +failed: test_parity", MISSED),
    "tests cut short": (
        changed("tests", good()["tests"] + ["(stopped after 150.00 s)"]), "test programs", "2 of 2 .*none failed",
        last_line(18)),
    "another device, the CPU path chosen": (
        {**other_device(35), AUTO: train(CPU, 1.1)}, "train 784-512-512-10", r"1\.10 s .* reached +auto chose CPU path", ""),
    "another device, faster": (other_device(35), "step 784-128-10", r"35 us +\(<= 30 us\) +faster than CPU", ""),
    "another device, slower": (other_device(41), "step 784-128-10", r"41 us +\(<= 30 us\) +SLOWER THAN CPU", ""),
    "another device, its peak": (other_device(35), "product NN", r"\(>= 48 TFLOP/s\) +91.0 % of peak", ""),
}


def printed_today(bench, program):
    """Parts made of what the programs print, on tiny cases."""
    def run(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/table.csv"
        run(program, "make", "classification", "--rows", "60", "--features", "3", "--classes", "2", "-o", table)
        brief = ("--seconds", "0.001", "--repeat", "1", "--threads", "1")
        side_by_side = (sys.executable, str(ROOT / "bench/side_by_side.py"), "fleet", "--bench", bench, "--device", "cpu")
        training = (table, "--device", "cpu", "--threads", "1")
        products = run(bench, "matmul", "--shape", "64,64,64", "--peer", "none", *brief)
        texts = {
            "hash device": run(bench, "hash", "--threads", "1"),
            "step 784-128-10-128": run(bench, "step", "--network", "4-3-2", "--batch", "8", *brief),
            "matmul": products.replace("64x64x64", "4096x4096x4096"),
            "fleet 1000": run(*side_by_side, "--peers", "", "--members", "2", "--epochs", "20", "--rounds", "1", "--threads", "1"),
        }
        for how in ("auto", "forced", "cpu"):
            texts[f"train 784-512-512-10 {how}"] = run(program, "train", *training, "--epochs", "2")
        for how in ("device", "cpu"):
            texts["search " + how] = run(program, "search", *training, "--trials", "10", "--folds", "2", "--epochs", "300", "--patience", "0")
    return {name: text.splitlines() for name, text in texts.items()}


def main():
    failed = 0
    for name, (parts, label, words, last) in CASES.items():
        page = page_of(parts)
        line = line_of(page, label)
        if not re.search(words, line) or last and page.rstrip().splitlines()[-1] != last:
            print(f"{name}: expected {words!r} and {last!r}\n{page}")
            failed += 1
    if len(sys.argv) == 3:
        page = page_of({**good(), **printed_today(*sys.argv[1:])})
        for label in ("bits of whole runs", "step 784-128-10", "product NN", "product NT", "product TN",
                      "fleet of 1000", "search", "train 784-512-512-10"):
            if not re.search(r"\d.* (reached|NOT REACHED)", line_of(page, label)):
                print(f"not found in what the programs print: {label}\n{page}")
                failed += 1
    print(f"gpu_page: {len(CASES)} cases, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
