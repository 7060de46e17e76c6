#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the page of verdicts from the details that bench/gpu.sh wrote.

    bench/gpu_page.py DETAILS

The details are parts: a line `== NAME`, the command, its output, and `(took S s)` or `(stopped
after S s)`. A part that was not run says why instead. Each line of the page is one aim: its figure,
the aim, the verdict, and the same on the CPU path and for the best peer on this machine. A figure
that cannot be found is shown as missing, with the reason; it never counts as reached.

The aims are those for an NVIDIA H100 (SXM), and are verdicts on that processor only. On other
devices a line is judged against the CPU path or the measured peak of the device.
"""

import re
import sys

H100 = re.compile(r"H100.*HBM3|H200")  # the H200 has the H100's processor
STEPS = [
    ("784-128-10", "128", 30),
    ("784-512-512-10", "256", 80),
    ("2-20-20-1", "400", 20),
    ("784-2048-2048-10", "512", 500),
    ("784-4096-4096-10", "4096", 10000),
]


class Missing(Exception):
    """Why a figure is missing."""


class Part:
    def __init__(self, name):
        self.name, self.lines, self.seconds, self.ended = name, [], None, None

    def find(self, pattern, what="figure"):
        """The match on the last line that has one."""
        for line in reversed(self.lines):
            match = re.search(pattern, line)
            if match:
                return match
        raise Missing(self.ended or f"no {what} in its output")

    def all(self, pattern):
        return [m for m in (re.search(pattern, line) for line in self.lines) if m]


class Report:
    def __init__(self, text):
        self.parts, part = {}, Part("")
        self.head, self.text = part, text
        for line in text.splitlines():
            if line.startswith("== "):
                part = self.parts[line[3:].strip()] = Part(line[3:].strip())
                continue
            took = re.match(r"\(took ([\d.]+) s\)$", line)
            ended = re.match(r"\((stopped after .*|ended with .*|not run: .*)\)$", line)
            if took:
                part.seconds = float(took[1])
            elif ended:
                part.ended = ended[1]
            part.lines.append(line)
        for part in self.parts.values():
            if part.seconds is None and not part.ended:
                part.ended = "it did not end"

    def part(self, name):
        if name not in self.parts:
            raise Missing("not run")
        return self.parts[name]

    def device(self):
        match = re.search(r"^device under test: (\d+) +.*?: (.*)$", self.text, re.M)
        return match and (match[1], match[2])


# ---- Figures ---------------------------------------------------------------------------------------------------------


def number(text):
    return float(text.replace(",", ""))


def measured(text):
    """A time or a rate; 0 is one that was too small to print."""
    value = number(text)
    if not value > 0:
        raise Missing(f"{text} was measured")
    return value


def step(report, name):
    """Microseconds of `lockstep-bench step`."""
    return measured(report.part(name).find(r"^step .* ([\d.]+) us ")[1])


def share(report, name):
    return number(report.part(name).find(r"^step .* ([\d.]+) % of peak")[1])


def table(report, name):
    """{contestant: microseconds} of side_by_side.py; those of less precise products are left out."""
    part, found = report.part(name), {}
    for line in part.lines:
        if line.startswith("less precise"):
            break
        match = re.match(r"(\S.*?)  +([\d.e+-]+) +[\d.e+-]+ +[\d.]+%", line)
        if match:
            found[match[1].strip()] = measured(match[2])
    if not found:
        raise Missing(part.ended or "no table in its output")
    return found


def ours(found, cpu=False):
    for name, value in found.items():
        if name.startswith("Lockstep CPU" if cpu else "Lockstep OpenCL"):
            return value
    raise Missing("no line for " + ("the CPU path" if cpu else "the device"))


def best_peer(found):
    peers = {name: value for name, value in found.items() if not name.startswith("Lockstep")}
    if not peers:
        raise Missing("no peer")
    return min(peers.items(), key=lambda item: item[1])


def attempt(function, *arguments):
    """The value, or None if it is missing."""
    try:
        return function(*arguments)
    except Missing:
        return None


# ---- Lines of the page -----------------------------------------------------------------------------------------------


def time(us):
    return f"{us / 1000:.4g} ms" if us >= 10000 else f"{us:.4g} us"


class Page:
    def __init__(self, report):
        self.report, self.rows, self.counts = (
            report,
            [],
            {"reached": 0, "NOT REACHED": 0, "missing": 0, "not run": 0},
        )
        self.device = report.device()
        self.judged = bool(self.device and H100.search(self.device[1]))

    def line(self, label, aim, make, everywhere=False):
        """make() returns a figure, the verdict (a bool, or words where it cannot be said) and a note, or raises Missing.

        Aims that are not for everywhere are the H100's, in brackets on other devices.
        """
        try:
            figure, verdict, note = make()
        except Missing as why:
            figure, note = "", re.sub("^not run(: )?", "", str(why))
            verdict = "not run" if str(why).startswith("not run") else "missing"
        if isinstance(verdict, bool):
            verdict = "reached" if verdict else "NOT REACHED"
        if verdict in self.counts:
            self.counts[verdict] += 1
        self.rows.append(
            (label, figure, aim if everywhere or self.judged else f"({aim})", verdict, note)
        )

    def relative(self, reached, figure, cpu):
        """On another device than the H100, the verdict is against the CPU path, if that is known. Both are times."""
        if self.judged:
            return reached
        return "" if cpu is None else "faster than CPU" if figure < cpu else "SLOWER THAN CPU"


def beside(parts):
    return "; ".join(p for p in parts if p)


def step_lines(page):
    report = page.report
    for network, batch, most in STEPS:
        name = f"{network}-{batch}"

        def make():
            us, cpu = step(report, "step " + name), attempt(step, report, "cpu " + name)
            # in the table all were measured in turn, so its times are compared with each other
            found = attempt(table, report, "peers " + name) or {}
            here, cpu = attempt(ours, found) or us, attempt(ours, found, True) or cpu
            peer, tuned = attempt(best_peer, found), attempt(step, report, "tuned " + name)
            notes = [
                f"{share(report, 'step ' + name):.3g} % of peak",
                cpu and f"CPU path {time(cpu)} ({cpu / here:.2f} x)",
                peer and f"{peer[0]} {time(peer[1])} ({peer[1] / here:.2f} x)",
                tuned and f"tuned {time(tuned)}",
            ]
            return time(us), page.relative(us <= most, here, cpu), beside(notes)

        rows = "n" if network[0] == "2" else "b"
        page.line(f"step {network}, {rows}{batch}", "<= " + time(most), make)


def product_lines(page):
    report = page.report
    for form, least in (("NN", 48), ("NT", 48), ("TN", 44)):

        def make():
            pattern = rf"^matmul +{form} 4096x4096x4096 +([\d.]+) GFLOP/s +([\d.]+) % of peak"
            found = report.part("matmul").find(pattern)
            rate = measured(found[1]) / 1000
            tuned = attempt(lambda: number(report.part("tuned matmul").find(pattern)[1]) / 1000)
            note = beside([found[2] + " % of peak", tuned and f"tuned {tuned:.4g}"])
            return (
                f"{rate:.4g} TFLOP/s",
                rate >= least if page.judged else found[2] + " % of peak",
                note,
            )

        page.line(f"product {form} 4096^3", f">= {least} TFLOP/s", make)

    def passes():
        part = report.part("elementwise")
        rows = part.all(r"^elementwise +update (\w+), .* ([\d.]+) % of peak")
        if len(rows) < 7:
            raise Missing(part.ended or f"{len(rows)} of 7 optimizers in its output")
        least = min(rows, key=lambda m: number(m[2]))
        return (
            f"{number(least[2]) / 100:.2f}",
            number(least[2]) >= 90,
            "; ".join(f"{m[1]} {number(m[2]) / 100:.2f}" for m in rows),
        )

    page.line("optimizer passes / copy", ">= 0.9, the least", passes, True)


def fleet_lines(page):
    for members, least in ((1000, 5), (8192, 10)):

        def make():
            found = table(page.report, f"fleet {members}")
            each, cpu, peer = ours(found), attempt(ours, found, True), attempt(best_peer, found)
            note = beside(
                [
                    cpu and f"CPU path {1 / cpu:.3g} M ({cpu / each:.2f} x)",
                    peer and f"{peer[0]} {1 / peer[1]:.3g} M ({peer[1] / each:.2f} x)",
                ]
            )
            return f"{1 / each:.4g} M/s", page.relative(1 / each >= least, each, cpu), note

        page.line(f"fleet of {members}, member-steps", f">= {least} M/s", make)


def seconds_of_search(report, name):
    return measured(report.part(name).find(r"^search .*, ([\d.]+) s$")[1])


def device_of(report, name):
    return report.part(name).find(r"^device +(.*) \((exact|approximate)\)$", "device")[1]


def program_lines(page):
    report = page.report

    def search():
        here, cpu = seconds_of_search(report, "search device"), seconds_of_search(
            report, "search cpu"
        )
        return f"{here:.3g} s", here < cpu, f"CPU path {cpu:.3g} s ({cpu / here:.2f} x)"

    page.line("search, 60 trials x 5 folds", "< the CPU path", search, True)
    for network in ("784-512-512-10", "784-2048-2048-10"):
        names = [f"train {network} {how}" for how in ("auto", "forced", "cpu")]

        def chooses():
            chosen, forced = device_of(report, names[0]), device_of(report, names[1])
            times = [
                attempt(
                    lambda n=n: report.part(n).find(r"^trained .* in ([\d.]+) s")
                    and report.part(n).seconds
                )
                for n in names
            ]
            if times[0] is None or times[1] is None:
                raise Missing(
                    "a run did not end: "
                    + str(report.part(names[0]).ended or report.part(names[1]).ended)
                )
            best = min(t for t in times[1:] if t)
            note = beside(
                [
                    f"auto chose {chosen}",
                    f"forced {times[1]:.2f} s",
                    times[2] and f"CPU path {times[2]:.2f} s",
                ]
            )
            # on an H100 the device is the faster one
            right = chosen == forced or not page.judged
            return f"{times[0]:.2f} s", times[0] <= 1.1 * best and right, note

        page.line(f"train {network}, --device auto", "<= 1.1 x the best", chooses, True)

    def choices():
        part = report.part("choose")
        rows = part.all(r" ([\d.]+) % +([\d.]+) % +-?[\d.]+ % +[\d.]+ s")
        if not rows:
            raise Missing(part.ended or "no case in its output")
        good = sum(number(m[1]) <= 10 and number(m[2]) <= 2 for m in rows)
        return (
            f"{good} of {len(rows)}",
            good == len(rows),
            beside(["loss <= 10 %, cost <= 2 % of 10 s", part.ended]),
        )

    page.line("choices of auto", "all cases good", choices, True)

    def self_check():
        part = report.part("self-check")
        if part.seconds is None or part.ended:
            raise Missing(part.ended or "it did not end")
        return (
            f"{part.seconds:.1f} s",
            part.seconds < 10 if page.judged else "",
            "caches empty, all devices",
        )

    page.line("self-check, first look", "< 10 s", self_check)


def correctness_lines(page):
    report = page.report

    def bits(name):
        def make():
            pattern = r"^all +([0-9a-f]{64})$"
            cpu, here = (
                report.part("hash cpu").find(pattern, "hash")[1],
                report.part(name).find(pattern, "hash")[1],
            )
            return (
                here[:8] + "...",
                here == cpu,
                "" if here == cpu else f"CPU path {cpu[:8]}...: please report this",
            )

        return make

    page.line("bits of whole runs", "= the CPU path's", bits("hash device"), True)
    page.line("the same, after tuning", "= the CPU path's", bits("hash tuned"), True)

    def tests():
        part = report.part("tests")
        passed, failed = len(part.all(r"\bTest +#\d+: \S+ \.+ +Passed")), part.all(
            r"\bTest +#\d+: (\S+) \.+ ?\*\*\*(Failed|Timeout|Exception)"
        )
        if not passed and not failed:
            raise Missing(part.ended or "no test in its output")
        note = beside(["failed: " + ", ".join(m[1] for m in failed) if failed else "", part.ended])
        return (
            f"{passed} of {passed + len(failed)}",
            "none failed" if part.ended and not failed else not failed,
            note,
        )

    page.line("test programs", "all pass", tests, True)


def small_line(page):
    def make():
        part = page.report.part("small")
        rows = part.all(r"(NOT REACHED|reached).*  ([\d.]+) x the speed of the first device")
        if not rows:
            raise Missing(part.ended or "no case in its output")
        speeds = [number(m[2]) for m in rows]
        return (
            f"{min(speeds):.2g}-{max(speeds):.2g} x",
            "",
            f"of one core of the CPU path, {len(rows)} networks",
        )

    page.line("small networks, one alone", "", make, True)


def make_page(text):
    page = Page(Report(text))
    correctness_lines(page)
    step_lines(page)
    product_lines(page)
    fleet_lines(page)
    program_lines(page)
    small_line(page)
    out = [line for line in page.report.head.lines if line.strip()]
    out.append("Device {}: {}".format(*page.device) if page.device else "No device was tested.")
    out.append("")
    if page.judged:
        out.append(
            "Aims: those for an NVIDIA H100"
            + (", whose processor the H200 has." if "H200" in page.device[1] else ".")
        )
    else:
        out.append(
            "Not an NVIDIA H100, whose aims are in brackets: verdicts are against the CPU path or the "
            "device's peak."
        )
    out += ["x: how many times as long as Lockstep on the device the other takes.", ""]
    rows = [("", "figure", "aim", "verdict", "beside it")] + page.rows
    wide = [max(len(row[i]) for row in rows) for i in range(4)]
    out += [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, wide)), row[4]]).rstrip() for row in rows
    ]
    out += [
        "",
        f"{page.counts['reached']} reached, {page.counts['NOT REACHED']} not reached, {page.counts['missing']} missing, {page.counts['not run']} not run",
    ]
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], errors="replace") as file:
        sys.stdout.write(make_page(file.read()))
