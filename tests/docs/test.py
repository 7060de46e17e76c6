#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README, docs and help texts agree with the program.

Every command that they show is run, in order, in a folder that has what the text takes for granted
(FILES, BEFORE). Blocks marked `console` also show what is printed: that is compared, with figures
that differ between machines masked. Every option that is named must be one of a command. Commands
that cannot be run here are in NOT_RUN, with the reason.

usage: test.py PROGRAM SOURCES [--update: writes what is printed into the console blocks]
Exits with 77 without gnuplot."""
import gzip
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

# What is not run, by document and the beginning of the command, and why.
NOT_RUN = {
    ("README.md", "./demo"): "builds the program and installs packages",
    ("README.md", "./check"): "runs this test",
    ("README.md", "cmake -B build"): "tests/consumer builds and installs in each way",
    ("README.md", "lockstep verify runs/a --device 1"): "needs a second device; test_verify does it",
    ("README.md", "lockstep experiment all"): "takes two minutes; test_experiment runs --quick",
    ("README.md", "lockstep compare datasets/digits.csv"): "large networks, to compare devices",
    ("README.md", "lockstep tune"): "needs an OpenCL device",
    ("docs/auto.md", "lockstep auto train.csv --test test.csv --time 60s"): "takes a minute",
    ("docs/devices.md", "lockstep doctor --device 1"): "needs a second device",
    ("docs/experiments.md", "lockstep experiment all"): "takes two minutes",
    ("help of search", "lockstep search data.csv --strategy halving"): "the same in docs/search.md",
    ("help of auto", "lockstep auto train.csv --test test.csv --time 60s"): "takes a minute",
    ("help of verify", "lockstep verify theirs --device 1"): "needs a second device",
    ("help of experiment", "lockstep experiment all"): "takes two minutes",
    ("help of compare", "lockstep compare"): "large networks, to compare devices",
}

# Exit statuses other than 0, where the text says so.
STATUS = {"lockstep doctor": (0, 1, 2), "lockstep verify runs/a runs/b": (1,)}

# Commands that stand for what a reader has before the text begins.
BEFORE = {
    "README.md": ["gzip -c datasets/iris.csv > big.csv.gz", "cp datasets/iris.csv more.csv",
                  "head -60 data.csv > a.csv", "(head -1 data.csv; tail -60 data.csv) > b.csv"],
    "docs/metrics.md": [],
    "docs/report.md": ["lockstep train data.csv -o model.safetensors -q",
                       "cp model.safetensors a.safetensors", "lockstep train data.csv --run runs/b -q",
                       "lockstep train data.csv --seed 2 --run runs/c -q"],
    "docs/runs.md": ["lockstep train datasets/iris.csv --run runs/a -q",
                     "cp datasets/iris.csv iris.csv", "cp datasets/iris.csv more.csv",
                     "lockstep train iris.csv --run A -q", "lockstep train iris.csv --run B -q",
                     "lockstep train iris.csv --run DIR -q"],
    "help of train": ["cp datasets/iris.csv iris.csv", "sed s/sick/spam/ data.csv > spam.csv",
                      "cp t10k-images-idx3-ubyte.gz train-images-idx3-ubyte.gz",
                      "cp t10k-labels-idx1-ubyte.gz train-labels-idx1-ubyte.gz",
                      "cp data.csv new.csv", "lockstep train data.csv -o old.st -q"],
    "help of evaluate": ["cp datasets/iris.csv iris.csv",
                         "lockstep train iris.csv --split 0.2 -o iris.safetensors -q",
                         "sed 's/sick/1/; s/healthy/-1/' -i data.csv test.csv",
                         "lockstep train data.csv -o mammography.safetensors -q"],
    "help of predict": ["cp data.csv iris.csv", "cp new.csv mail.csv",
                        "lockstep train iris.csv --split 0.2 -o iris.safetensors -q",
                        "awk '{print (NR == 1 ? \"key\" : NR) \",\" $0}' mail.csv > new.csv",
                        "sed s/sick/spam/ data.csv > spam.csv",
                        "lockstep train spam.csv -o spam.safetensors -q"],
    "help of describe": ["sed 1s/town/price_band/ -i data.csv"],
    "help of plot": ["lockstep train moons -o moons.safetensors -q",
                     "cp moons.safetensors a.safetensors", "lockstep train moons --run runs/b -q",
                     "cp -r runs/b runs/c"],
    "help of report": ["lockstep train moons -o moons.safetensors -q"],
    "help of resume": ["cp datasets/iris.csv iris.csv"],
    "help of show": ["lockstep train moons -o m.safetensors -q"],
    "help of verify": ["cp datasets/iris.csv .", "lockstep train iris.csv --run mine -q",
                       "cp -r mine theirs", "mkdir here", "mv iris.csv here",
                       "cp mine/model.safetensors a.safetensors",
                       "cp mine/model.safetensors b.safetensors", "cp -r mine runs-a"],
}

# Options of other programs, and parts of names.
FOREIGN = {"--static", "--cflags", "--libs", "--repeat", "--mpi", "--bind-to", "--map-by", "--signal", "--kill-on-bad-exit"}

COMMANDS = ("train search evaluate predict show describe report plot verify resume experiment "
            "compare devices doctor tune make auto").split()
MASKS = (  # what differs between machines, and what is the same but tells a reader nothing
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"CPU path \([^)]*\)", "CPU path"),
    (r"\d+(\.\d+)? steps/s", "N steps/s"),
    (r"from byte \d+ on; \d+ and \d+ bytes", "from byte N on"),  # pages, by gnuplot's version
    (r"\b\d+(\.\d+)? (s|ms|seconds)\b", "N s"),
)


def write_files(folder, sources):
    """FILES: a table of classes, one of test rows, rows without classes, images."""
    def table(path, rows, first, target=True):
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write("age,weight,town" + (",state\n" if target else "\n"))
            for i in range(first, first + rows):
                age, weight = 20 + i * 13 % 50, 50 + i * 7 % 41
                state = ",%s" % ("sick" if age + weight > 115 else "healthy") if target else ""
                file.write("%d,%d,%s%s\n" % (age, weight, ("Ulm", "Bonn", "Jena")[i % 3], state))

    table("data.csv", 120, 0)
    table("test.csv", 40, 500)
    table("new.csv", 10, 900, target=False)
    with open(os.path.join(folder, "mine.json"), "w", encoding="utf-8") as file:
        file.write('{"options": {"hidden": [20, 20], "lr": 0.01, "batch-norm": true}}')
    shutil.copytree(os.path.join(sources, "datasets"), os.path.join(folder, "datasets"))
    images, labels = bytearray(), bytearray()
    for i in range(60):
        labels.append(i % 10)
        images += bytes((i % 10 * 25 + 31 * k) % 256 if k // 28 > i % 10 else 0 for k in range(784))
    for name, head, body in (("images-idx3", (0x803, 60, 28, 28), images),
                             ("labels-idx1", (0x801, 60), labels)):
        with gzip.open(os.path.join(folder, "t10k-%s-ubyte.gz" % name), "wb") as file:
            file.write(struct.pack(">%dI" % len(head), *head) + bytes(body))


# ---- Reading the texts ---------------------------------------------------------------------------

def is_command(line):
    return re.match(r"(\w+ [^|]*\| *)?lockstep [a-z]|\./(demo|check)\b|cmake ", line) is not None


def read_document(text):
    """The commands of a document: [number of the line, command, lines printed or None]. Commands
    are in blocks without a language, `sh` blocks, `console` blocks (after "$ "), and indented."""
    found, language, shown = [], None, None
    lines = text.split("\n")
    for number, line in enumerate(lines):
        fence = re.match(r"```(\w*)$", line)
        if fence and language is None:
            language, shown = fence.group(1) or "plain", None
            continue
        if line.startswith("```"):
            language, shown = None, None
            continue
        command = line.strip() if language in ("plain", "sh") else None
        if language == "console" and line.startswith("$ "):
            command = line[2:]
        elif language == "console" and shown is not None:
            shown.append(line)
            continue
        if language is None and re.match(r"    +lockstep ", line):
            command = line.strip()
        if not command or not is_command(command):
            continue
        while command.endswith("\\"):
            number += 1
            command = command[:-1] + lines[number].strip()
        shown = [] if language == "console" else None
        found.append((number, command, shown))
    return found


def read_help(text):
    """The commands of a help text: lines of two blanks and `lockstep`. Words after two blanks say
    what a command does."""
    return [(0, re.split(r" {2,}", line.strip())[0], None) for line in text.split("\n")
            if re.match(r"  lockstep [a-z]", line)]


def options_of(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]", text))


# ---- Running -------------------------------------------------------------------------------------

class Test:
    def __init__(self, program, sources, update):
        self.sources, self.update, self.faults, self.used, self.ran = sources, update, [], set(), 0
        self.folder = tempfile.mkdtemp(prefix="lockstep-docs-")
        os.mkdir(os.path.join(self.folder, "bin"))
        os.symlink(program, os.path.join(self.folder, "bin", "lockstep"))
        self.environment = dict(
            os.environ, PATH=os.path.join(self.folder, "bin") + ":" + os.environ["PATH"],
            HOME=self.folder, XDG_CACHE_HOME=os.path.join(self.folder, "cache"),
            OCL_ICD_VENDORS="/nonexistent", LOCKSTEP_HELPER="none", LC_ALL="C.UTF-8")

    def shell(self, command, folder):
        return subprocess.run(["bash", "-c", command], cwd=folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)

    def fault(self, name, number, what):
        self.faults.append("%s%s: %s" % (name, ":%d" % (number + 1) if number else "", what))

    def left_out(self, name, command):
        for key in NOT_RUN:
            if key[0] == name and command.startswith(key[1]):
                self.used.add(key)
                return True
        return False

    def run_commands(self, name, commands):
        """Runs the commands of a text. Returns what each one with a list printed."""
        folder = tempfile.mkdtemp(dir=self.folder)
        write_files(folder, self.sources)
        for command in BEFORE.get(name, []):
            done = self.shell(command, folder)
            if done.returncode:
                self.fault(name, 0, "before it: %s: %s" % (command, done.stderr))
        printed = {}
        for number, command, shown in commands:
            if self.left_out(name, command):
                continue
            done = self.shell(command, folder)
            self.ran += 1
            good = next((s for c, s in STATUS.items() if command.startswith(c)), (0,))
            if done.returncode not in good:
                self.fault(name, number, "%s: exit status %d: %s" %
                           (command, done.returncode, done.stderr.strip()[-600:]))
            if shown is not None:
                printed[number] = (shown, done.stdout.rstrip("\n").split("\n"))
        return printed

    def compare(self, name, printed):
        for number, (shown, real) in printed.items():
            if masked(shown) != masked(real):
                self.fault(name, number, "prints\n%s\nand not\n%s" %
                           ("\n".join(masked(real)), "\n".join(masked(shown))))

    def check_document(self, name):
        path = os.path.join(self.sources, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        printed = self.run_commands(name, read_document(text))
        if not self.update:
            self.compare(name, printed)
            return
        lines = text.split("\n")
        for number, (shown, real) in sorted(printed.items(), reverse=True):
            if masked(shown) != masked(real):
                lines[number + 1:number + 1 + len(shown)] = real
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))

    def check_helps(self):
        """The examples of each help. Returns the options of each command."""
        options = {}
        for command in COMMANDS:
            done = self.shell("lockstep %s --help" % command, self.folder)
            if done.returncode:
                continue  # not a command of this program
            options[command] = options_of(done.stdout)
            self.run_commands("help of " + command, read_help(done.stdout))
        return options

    def check_options(self, name, options):
        """Options in `code` are those of the command that the code names, or of some command."""
        with open(os.path.join(self.sources, name), encoding="utf-8") as file:
            text = file.read()
        check = self.shell("./check --help; cat bench/*.c bench/*.py bench/*/*.py tests/fuzz/README.md", self.sources)
        known = set().union(*options.values()) | FOREIGN | options_of(check.stdout)
        for code in re.findall(r"`([^`\n]+)`", re.sub(r"(?s)```.*?```", "", text)):
            command = re.match(r"lockstep ([a-z]+)", code)
            of = options.get(command.group(1), known) if command else known
            for option in options_of(code) - of:
                self.fault(name, 0, "`%s`: there is no option %s" % (code, option))

    def check_demo(self):
        """The training of ./demo gives the line of the README, which names the hash of its model."""
        with open(os.path.join(self.sources, "demo"), encoding="utf-8") as file:
            text = file.read().replace("\\\n", " ")
        line = re.search(r"\$lockstep (train .*?) --device", text).group(1)
        done = self.shell("lockstep %s --device cpu --json -q -o demo.safetensors" % line, self.folder)
        with open(os.path.join(self.sources, "README.md"), encoding="utf-8") as file:
            shown = re.search(r"(?m)^0   CPU path \S+ \S+ threads\)\s+(.*)$", file.read()).group(1).split()
        train = json.loads(done.stdout)["train"]
        with open(os.path.join(self.folder, "demo.safetensors"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        given = ["%.6f" % train["loss"], "%.4f" % train["accuracy"], "%.4f" % train["f1"], digest]
        if shown[1:] != given:
            self.fault("README.md", 0, "./demo prints %s, not %s" % (given, shown[1:]))

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def masked(lines):
    """Lines without what differs between machines, and without alignment."""
    out = []
    for line in lines:
        for pattern, word in MASKS:
            line = re.sub(pattern, word, line)
        out.append(re.sub(r"\s+", " ", line).strip())
    while out and not out[-1]:
        out.pop()
    return out


def main():
    if not shutil.which("gnuplot"):
        print("skipped: needs gnuplot")
        sys.exit(77)
    program, sources = map(os.path.abspath, sys.argv[1:3])
    test = Test(program, sources, "--update" in sys.argv)
    documents = ["README.md", "datasets/README.md"] + sorted(
        "docs/" + name for name in os.listdir(os.path.join(sources, "docs")) if name.endswith(".md"))
    try:
        for name in documents:
            test.check_document(name)
        test.check_demo()
        options = test.check_helps()
        for name in documents:
            test.check_options(name, options)
    finally:
        test.close()
    for key in NOT_RUN.keys() - test.used:
        test.fault(key[0], 0, "has no command '%s'; take it out of NOT_RUN" % key[1])
    for fault in test.faults:
        print(fault)
    print("%d commands were run, %d were not; %d faults" %
          (test.ran, len(test.used), len(test.faults)))
    sys.exit(1 if test.faults or test.ran < 40 else 0)


if __name__ == "__main__":
    main()
