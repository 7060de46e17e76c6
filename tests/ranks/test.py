#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program under mpirun: one result for any number of ranks, also where ranks are killed or
interrupted, and one message where something is wrong.

usage: test.py PROGRAM MODULE DATASETS [TEST...]
Exits with 77 without mpirun or the module. LOCKSTEP_REQUIRE_OPENCL=1: an OpenCL device must be there.
"""
import fcntl
import hashlib
import math
import os
import pathlib
import random
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM, MODULE, DATASETS = (os.path.abspath(p) for p in sys.argv[1:4])
RANKS = (1, 2, 3, 4, 7, 8)
LIMIT = 120  # seconds for one command

ENVIRONMENT = {
    **os.environ,
    # Open MPI: as root, with more processes than cores, without remote machines, and without the
    # rights that containers lack.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_plm": "isolated",
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    # an interrupted job has that many seconds to save before it is killed
    "OMPI_MCA_odls_base_sigkill_timeout": "2",
    # shared even where that does not pay
    "LOCKSTEP_RANKS": "shared",
    # a rank that waits for a dead one gives up before the test does
    "LOCKSTEP_RANKS_SECONDS": "60",
}
for name in ("LOCKSTEP_RANKS_SUMS", "LOCKSTEP_MPI", "LOCKSTEP_HELPER"):
    ENVIRONMENT.pop(name, None)

failures = []


def expect(condition, message):
    if not condition:
        failures.append(message)
        print(f"FAILED: {message}")
    return condition


def words(ranks, arguments):
    """The command for that many ranks; 0: without mpirun."""
    start = ["mpirun", "-n", str(ranks)] if ranks else []
    return start + [PROGRAM] + [str(a) for a in arguments]


def has_status(done, status):
    """mpirun gives the status of the first process that fails, unless it crashes itself while it ends
    the others, as that of Open MPI 4.1.4 may."""
    crashed = status == 1 and done.returncode == -signal.SIGSEGV and "PMIx_Finalize" in done.stderr
    return done.returncode == status or crashed


def run(ranks, *arguments, status=0, environment=None):
    """Runs a command to its end; returns stdout and stderr without what mpirun adds."""
    done = subprocess.run(words(ranks, arguments), env={**ENVIRONMENT, **(environment or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    expect(has_status(done, status),
           f"{ranks} ranks: {' '.join(map(str, arguments))}: status {done.returncode}, not {status}:\n"
           f"{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout, re.sub(r"(?ms)^-{70,}$.*?^-{70,}$\n?", "", done.stderr)


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def same_file(path, reference, what):
    if expect(os.path.exists(path), f"{what}: there is no {path}"):
        expect(digest(path) == digest(reference), f"{what}: {path} is not {reference}")


def data(name):
    return os.path.join(DATASETS, name)


# ---- Whole runs ----------------------------------------------------------------------------------

DIGITS = [data("digits.csv"), "--epochs", "3"]
RUNS = {
    # batch norm, a last batch of one chunk and a part
    "dense": [*DIGITS, "--hidden", "40,40,40", "--residual", "--batch-norm", "--dropout", "0.2",
              "--clip", "1", "--max-norm", "2", "--batch", "700", "--label-smoothing", "0.1",
              "--class-weights", "balanced", "--schedule", "plateau", "--warmup", "1"],
    "images": [*DIGITS, "--net", "conv 6 3 same, batchnorm, relu, residual(conv 6 3 same, batchnorm, silu, "
               "conv 6 3 same), maxpool 2, dropout 0.2, avgpool 2, dense 20, gelu, dense",
               "--shape", "1x8x8", "--augment-shift", "1", "--augment-flip", "--batch", "530",
               "--optimizer", "nesterov", "--patience", "2"],
    # no batch norm: sums of chunks only, several megabytes of them
    "wide": [*DIGITS, "--epochs", "1", "--hidden", "500,300", "--batch", "1000", "--optimizer", "adam"],
    "full": [*DIGITS, "--hidden", "none", "--optimizer", "gd", "--order", "file", "--l1", "0.01",
             "--validation", "0"],
    "numbers": [*DIGITS, "--task", "regression", "--batch", "300", "--hidden", "30", "--loss", "huber",
                "--embedding", "piecewise", "--reduction", "sum", "--optimizer", "momentum", "--lr", "0.001"],
}


def opencl_device():
    """The index of the first exact OpenCL device, or None."""
    listed = run(0, "devices")[0]
    found = re.search(r"(?m)^([1-9]\d*)  .*\n(?:   .*\n)*?   exact", listed)
    if not found and os.environ.get("LOCKSTEP_REQUIRE_OPENCL") == "1":
        expect(False, f"no exact OpenCL device:\n{listed}")
    return found[1] if found else None


def train(name, ranks, device, out, environment=None, shared=True):
    printed = run(ranks, "train", *RUNS[name], "--device", device, "-o", out, environment=environment)[0]
    if ranks > 1:
        expect(printed.count("trained    ") == 1, f"{name}, {ranks} ranks: printed not once:\n{printed}")
        expect(f"{ranks} ranks shared" in printed or not shared, f"{name}: not shared:\n{printed}")
    return printed


def test_hashes():
    """Every run on the CPU path, with any number of ranks; all ways of adding sums."""
    for name in RUNS:
        train(name, 0, "cpu", f"{name}.st")
        for ranks in RANKS if name in ("dense", "images") else (2, 3, 8):
            # without an order, ranks of one machine share memory
            for way in ("", "chain" if ranks % 2 else "gather"):
                printed = train(name, ranks, "cpu", "out.st", {"LOCKSTEP_RANKS_SUMS": way})
                same_file("out.st", f"{name}.st", f"{name}, {ranks} ranks, {way}")
                sent = re.search(r"exchanges, ([0-9.e+]+) KB a step", printed)
                if name == "wide" and expect(sent, f"{name}: nothing is said of exchanges:\n{printed}"):
                    expect((float(sent[1]) < 1) == (not way), f"{name}, {ranks} ranks, {way}: {sent[1]} KB a step")
                pathlib.Path("out.st").unlink(missing_ok=True)


def test_trial():
    """Without orders, steps are shared if that is faster."""
    for name in ("full", "wide"):
        train(name, 0, "cpu", f"{name}.st")
        for ranks in (2, 3):
            train(name, ranks, "cpu", "out.st", {"LOCKSTEP_RANKS": ""}, shared=False)
            same_file("out.st", f"{name}.st", f"{name}, {ranks} ranks, tried")
            pathlib.Path("out.st").unlink(missing_ok=True)


def test_hashes_opencl():
    """The same on an OpenCL device."""
    device = opencl_device()
    if not device:
        print("no exact OpenCL device: ranks were only tried on the CPU path")
        return
    for name, sizes in (("images", (2, 3, 8)), ("dense", (1, 4, 7))):
        train(name, 0, "cpu", f"{name}.st")
        for ranks in sizes:
            train(name, ranks, device, "out.st")
            same_file("out.st", f"{name}.st", f"{name}, {ranks} ranks on device {device}")
            pathlib.Path("out.st").unlink(missing_ok=True)


# ---- Many networks -------------------------------------------------------------------------------

def test_search():
    """The tables of a search are those of one process."""
    what = [data("iris.csv"), "--epochs", "5", "--trials", "9", "--folds", "3", "--lr", "0.001..0.1",
            "--hidden", "8|16,8", "--device", "cpu"]
    for ranks, name in ((0, "one"), (4, "four")):
        run(ranks, "search", *what, "-o", f"{name}.st", "--report", f"{name}.csv", "--oof", f"{name}-oof.csv")
    for end in (".st", ".csv", "-oof.csv"):
        same_file(f"four{end}", f"one{end}", "search, 4 ranks")
    # networks with batches of several chunks
    what = [data("digits.csv"), "--epochs", "2", "--trials", "4", "--batch", "256|400", "--hidden", "12",
            "--strategy", "halving", "--device", "cpu"]
    for ranks, name in ((0, "few"), (3, "three")):
        run(ranks, "search", *what, "-o", f"{name}.st", "--report", f"{name}.csv")
    for end in (".st", ".csv"):
        same_file(f"three{end}", f"few{end}", "search by halving, 3 ranks")


def test_auto():
    for ranks, name in ((0, "one.st"), (3, "three.st")):
        run(ranks, "auto", data("iris.csv"), "--trials", "6", "--device", "cpu", "-o", name)
    same_file("three.st", "one.st", "auto, 3 ranks")


# ---- Rows that no rank has all of ----------------------------------------------------------------

def write_npy(path, rows):
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    numbers = b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows)
    pathlib.Path(path).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                                   numbers)


def make_shards(random):
    """Files of more rows than a block that is read at a time has."""
    rows = [[random.gauss(0, 1) for _ in range(5)] for _ in range(2600)]
    for row in rows:
        row += [1e7 + random.randrange(40) / 8, float(row[0] + row[1] > 0) + float(row[3] > 1)]
    write_npy("numbers.npy", rows)
    write_npy("gaps.npy", [[math.nan if random.random() < 0.05 else cell for cell in row[:-1]] + row[-1:]
                           for row in rows])
    # float32 joins two values of column 1, of which one is in a row long before the first that it rounds
    whole = [[float(round(cell)) for cell in row] for row in rows]
    whole[5][1], whole[2000][1], whole[2300][2] = 16777216.0, 16777217.0, 0.1
    write_npy("joined.npy", whole)
    images = [[random.randrange(256) for _ in range(64)] for _ in range(1300)]
    pathlib.Path("t-images-idx3-ubyte").write_bytes(struct.pack(">HBBIII", 0, 8, 3, 1300, 8, 8) +
                                                    b"".join(map(bytes, images)))
    pathlib.Path("t-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 1300) +
                                                    bytes(image[0] >> 7 for image in images))
    lines = ['age,colour,"odd, name",city,large,w,g,y']
    for _ in range(2500):
        lines.append(",".join((
            "" if random.random() < 0.1 else repr(round(random.random() * 50, random.choice([1, 3, 9]))),
            random.choice(["red", "green", '"bl""ue"', '"two\nlines"', "1", "1.0", "NA"]),
            random.choice(["?", "5", "6", "7.25"]),
            random.choice(['"a,b"', "Z\u00fcrich", "x y", '"\n\n"', '"q\r\nr"']),
            str(2000000000 + random.randrange(1000)), str(random.randrange(1, 4)),
            f"g{random.randrange(200)}", random.choice(["yes", "no", '"may\nbe"']))))
    pathlib.Path("mixed.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")


def without_machine(printed, name):
    """What was printed, but for devices, times, and the name of the model."""
    printed = re.sub(r"(?m)^(device|note {5}) .*\n", "", printed.replace(name, "MODEL"))
    return re.sub(r" in [\d.e+-]+ s \(\d+ steps/s\)|  \d+ steps/s|\d+ epochs/s", "", printed)


def same_training(ranks, arguments, status=0):
    """--data-shards on some numbers of ranks (0: without mpirun) against one process that holds all rows."""
    arguments = [*arguments, "--device", "cpu"]
    one = run(0, "train", *arguments, "-o", "one.st", status=status)
    for count in ranks:
        what = f"{count} ranks: {' '.join(map(str, arguments))} --data-shards"
        several = run(count, "train", *arguments, "--data-shards", "-o", "out.st", status=status)
        for mine, theirs in zip(several, one):
            mine, theirs = without_machine(mine, "out.st"), without_machine(theirs, "one.st")
            expect(mine == theirs, f"{what}: printed\n{mine}\nnot\n{theirs}")
        if status == 0:
            same_file("out.st", "one.st", what)
        pathlib.Path("out.st").unlink(missing_ok=True)
    pathlib.Path("one.st").unlink(missing_ok=True)
    return one


FULL = ["--epochs", "3", "--batch", "full"]


def test_shards():
    """Each rank holds only its rows; the model and the tables are those of one process."""
    make_shards(random.Random(1))
    for ranks, arguments in (
            ((0, 1, 2, 3, 4, 7), ["numbers.npy", *FULL]),
            ((0, 2, 7), ["gaps.npy", *FULL, "--hidden", "20,20", "--batch-norm", "--split", "0.2"]),
            ((3,), ["gaps.npy", *FULL, "--missing", "drop", "--class-weights", "balanced"]),
            ((0, 2), ["joined.npy", *FULL, "--validation", "0"]),
            ((1, 2, 3, 4, 7), ["t-images-idx3-ubyte", *FULL, "--net", "conv 4 3, relu, dense"]),
            ((0, 1, 2, 3, 4, 7), ["mixed.csv", *FULL, "--drop", "w,g"]),
            ((3,), ["mixed.csv", *FULL, "--weight", "w", "--group", "g", "--split", "0.25"]),
            # several batches, each of which is divided
            ((2, 3), ["mixed.csv", "--epochs", "3", "--order", "file", "--batch", "500", "--target", "large",
                      "--drop", "g", "--sample", "2000"]),
            # one process: any batches
            ((0, 1), ["mixed.csv", "--epochs", "2", "--net", "dense 9, relu, dropout 0.1, dense",
                      "--drop", "g,w"]),
            # only rank 0 has work
            ((3,), [data("iris.csv"), *FULL, "--sample", "60"])):
        same_training(ranks, arguments)
    said = same_training((), ["joined.npy", *FULL])[1]
    expect("one number in 32 bits" in said, f"no joined values were found:\n{said}")


def test_shards_of_damaged_files():
    """A file that is cut short, and a bad cell far down: what one process says."""
    make_shards(random.Random(2))
    numbers, lines = (pathlib.Path(name).read_bytes() for name in ("numbers.npy", "mixed.csv"))
    pathlib.Path("cut.npy").write_bytes(numbers[:-60])
    pathlib.Path("much.npy").write_bytes(numbers[:30000])
    pathlib.Path("long.npy").write_bytes(numbers + b"x")
    pathlib.Path("nan.npy").write_bytes(numbers[:-16] + struct.pack("<2d", math.inf, 0))
    pathlib.Path("odd.csv").write_bytes(lines + b"1,2,3\n" + lines.split(b"\n", 1)[1])
    pathlib.Path("open.csv").write_bytes(lines + b'"')
    pathlib.Path("stray.csv").write_text("a,b,y\n" + "".join(f"{i % 13}.5,{i % 7},{'pq'[i % 2]}\n"
                                                             for i in range(3000)) + "x?,1,p\n")
    for name in ("cut.npy", "much.npy", "long.npy", "nan.npy", "odd.csv", "open.csv", "stray.csv"):
        said = same_training((0, 3), [name, *FULL], status=1)[1]
        expect(name in said, f"{name}: {said}")


def test_shards_refused():
    """What needs all rows in one place is refused, in one line."""
    make_shards(random.Random(3))
    for ranks, arguments, wanted in (
            (3, ["numbers.npy", "--epochs", "2"], "--batch full"),
            (2, ["numbers.npy", "--epochs", "2", "--order", "file", "--batch", "20"], "--batch 65"),
            # no more than 64 batches, but each is one rank's
            (2, ["numbers.npy", "--epochs", "2", "--order", "file", "--batch", "64"], "--batch 65"),
            (2, ["moons", *FULL], "lockstep make moons"), (2, ["-", *FULL], "standard input"),
            (2, ["numbers.npy", *FULL, "--run", "r"], "--run"),
            (0, ["numbers.npy", *FULL, "--report", "r.html"], "--report"),
            (2, ["numbers.npy", *FULL, "--verify", "2"], "--verify"),
            (0, ["gaps.npy", *FULL, "--missing", "median"], "--missing median"),
            (3, ["numbers.npy", *FULL, "--scaling", "robust"], "--scaling robust"),
            (0, ["numbers.npy", *FULL, "--scaling", "quantile"], "--scaling quantile"),
            (0, ["numbers.npy", *FULL, "--embedding", "piecewise"], "--embedding piecewise")):
        said = run(ranks, "train", *arguments, "--data-shards", "-o", "out.st", "-q", status=2)[1]
        expect(wanted in said and len(said.strip().split("\n")) == 1, f"{arguments}: {said}")
        expect(not os.path.exists("out.st"), f"{arguments}: it has trained")
    # what is proposed is taken
    same_training((2,), ["numbers.npy", "--epochs", "2", "--order", "file", "--batch", "65"])
    # mistakes that one process finds later
    same_training((2,), ["numbers.npy", *FULL, "--sample", "1", "--fold", "2/5"], status=1)
    same_training((2,), ["numbers.npy", *FULL, "--sample", "1", "--validation", "0.2"], status=1)
    same_training((2,), ["numbers.npy", *FULL, "--sample", "4", "--fold", "2/5", "--validation", "0.2"], status=2)


def test_shards_elsewhere():
    """A rank that has not the file, or has another one, a pipe, or a copy."""
    make_shards(random.Random(5))
    os.mkdir("elsewhere")
    there = pathlib.Path("elsewhere/numbers.npy")
    content = pathlib.Path("numbers.npy").read_bytes()
    other = content[:-4] + bytes(4)  # of the same size
    assert other != content
    for make, wanted in (
        (lambda: None, "cannot"),
        (lambda: there.write_bytes(content[:-80]), "is not the file"),
        (lambda: there.write_bytes(other), "is not the file"),
        (lambda: (there.unlink(), os.mkfifo(there)), "is not the file"),
        (lambda: (there.unlink(), shutil.copy2("numbers.npy", there)), None),
    ):
        make()
        command = words(0, ["train", "numbers.npy", *FULL, "--data-shards", "--device", "cpu", "-o", "out.st"])
        done = subprocess.run(["mpirun", "-n", "1", *command, ":", "-wdir", os.path.abspath("elsewhere"), "-n",
                               "1", *command], env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=LIMIT)
        if wanted is None:
            expect(done.returncode == 0 and os.path.exists("out.st"), f"a copy: {done.returncode}:\n{done.stderr}")
            continue
        expect(done.returncode == 1 and "rank 1: numbers.npy" in done.stderr and wanted in done.stderr and
               not os.path.exists("out.st"), f"elsewhere: {done.returncode}:\n{done.stderr}")


def test_shards_changed():
    """A file that is written to between two passes, with the same number of bytes."""
    make_shards(random.Random(6))
    command = words(0, ["train", "numbers.npy", "--epochs", "100000000", "--time-limit", "2", "--patience", "0",
                        "--batch", "full", "--data-shards", "--device", "cpu", "--log", "log", "-q", "-o", "out.st"])
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (os.path.exists("log") and os.path.getsize("log")):
            time.sleep(0.01)
        with open("numbers.npy", "r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(b"\0")
        said = process.communicate(timeout=LIMIT)[1]
    expect(process.returncode == 1 and "numbers.npy: has changed" in said, f"changed: {process.returncode}: {said}")


def test_shards_resumed():
    """Checkpoints of ranks that hold only their rows are those of one process."""
    make_shards(random.Random(4))
    what = ["numbers.npy", "--epochs", "6", "--batch", "full", "--device", "cpu"]
    run(0, "train", *what, "-o", "one.st")
    run(3, "train", *what, "-o", "out.st", "--data-shards", "--checkpoint", "kept", "--every", "2")
    same_file("out.st", "one.st", "with checkpoints")
    for step in (4, 6):
        for path in pathlib.Path("kept").glob(f"checkpoint-*{step}.safetensors"):
            path.unlink()
    for ranks, more in ((2, ["--data-shards"]), (0, [])):
        shutil.copytree("kept", f"kept{ranks}")
        run(ranks, "resume", f"kept{ranks}", *more, "--device", "cpu", "-o", f"again{ranks}.st")
        same_file(f"again{ranks}.st", "one.st", f"resumed on {ranks}")


# ---- What is printed -----------------------------------------------------------------------------

def test_other_commands():
    """Commands that do not train are done once."""
    run(0, "train", data("iris.csv"), "--epochs", "3", "-o", "m.st", "-q")
    for command in (["show", "m.st"], ["evaluate", "m.st", data("iris.csv")],
                    ["predict", "m.st", data("iris.csv")], ["describe", data("iris.csv")]):
        one, several = run(0, *command)[0], run(3, *command)[0]
        expect(several == one and one, f"{command[0]} under mpirun prints\n{several}\nnot\n{one}")
    for command in (["evaluate", "no.st", data("iris.csv")], ["show", "no.st"]):
        one, several = run(0, *command, status=1)[1], run(3, *command, status=1)[1]
        expect(several == one and one, f"{command[0]} under mpirun says\n{several}\nnot\n{one}")


def test_wrong_usage():
    """One message, and the status of one process."""
    for command, status in ((["train"], 2), (["train", data("iris.csv"), "--bogus"], 2),
                            (["train", "no-such-file.csv"], 1), (["trian"], 2), ([], 2),
                            (["--version"], 0), (["train", "--help"], 0)):
        one, several = run(0, *command, status=status), run(3, *command, status=status)
        expect(several == one, f"{command} under mpirun says\n{''.join(several)}\nnot\n{''.join(one)}")
        expect("".join(one).strip(), f"{command} says nothing")


def test_a_failing_device():
    """A device that no rank has: one message."""
    said = run(3, "train", data("iris.csv"), "--device", "no such device", status=1)[1]
    expect(said.count("no such device") == 1, f"a device that is missing:\n{said}")


def test_environment():
    """A misspelled order is no order, and orders are those of all ranks."""
    out = "ordered.st"
    train_it = [PROGRAM, "train", *map(str, RUNS["full"]), "--device", "cpu", "-o", out]
    for name, value in (("LOCKSTEP_RANKS_SUMS", "CHAIN"), ("LOCKSTEP_RANKS", "share"),
                        ("LOCKSTEP_RANKS_SECONDS", "1e3"), ("LOCKSTEP_RANKS_SECONDS", "0")):
        said = run(2, *train_it[1:], status=1, environment={name: value})[1]
        expect(f"{name} in the environment is '{value}'" in said, f"{name}={value}: {said}")
        expect(not os.path.exists(out), f"{name}={value}: it has trained")
    run(2, *train_it[1:], environment={"LOCKSTEP_RANKS_SUMS": "", "LOCKSTEP_RANKS_SECONDS": "", "LOCKSTEP_MPI": ""})
    pathlib.Path(out).unlink(missing_ok=True)
    differs = ["mpirun", "-n", "1", "env", "LOCKSTEP_RANKS_SUMS=chain", *train_it, ":", "-n", "1", *train_it]
    refused(differs, "LOCKSTEP_RANKS_SUMS in the environment is not that of rank 0")
    expect(not os.path.exists(out), "other orders on another rank: it has trained")


def refused(command, wanted):
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT)
    expect(has_status(done, 1) and wanted in done.stderr, f"{command}: {done.returncode}: {done.stderr}")


def test_other_build():
    """A rank of another build is refused, also where the version is the same."""
    program = bytearray(pathlib.Path(PROGRAM).read_bytes())
    note = struct.pack("=3I4s", 4, 20, 3, b"GNU")  # where the linker has put its number of the build
    at = program.find(note)
    if at < 0 or b"liblockstep.so" in program:
        print("the program has no number of its build")
        return
    program[at + len(note)] ^= 1
    other = pathlib.Path("other-build")
    other.write_bytes(program)
    other.chmod(0o755)
    train_it = ["train", data("iris.csv"), "--epochs", "1", "--device", "cpu", "-o", "mixed.st"]
    with_module = ["env", f"LOCKSTEP_MPI={MODULE}"]
    refused(["mpirun", "-n", "1", PROGRAM, *train_it, ":", "-n", "1", *with_module, other.absolute(), *train_it],
            "another version of Lockstep than rank 0")
    expect(not os.path.exists("mixed.st"), "ranks of different builds have trained")


def test_lack_of_memory():
    """A rank without memory ends the job: none waits for it. Its first allocations are those of joining,
    and of what follows a request."""
    if "LS_FAILING_MALLOC" not in os.environ:
        print("no allocation fails in this build")
        return
    lacking = {"LD_PRELOAD": os.environ["LS_FAILING_MALLOC"], "FAILING_PROGRAM": os.path.basename(PROGRAM),
               "OMPI_MCA_odls_base_sigkill_timeout": "1"}
    for rank, at in ((0, 1), (1, 1), (1, 4), (2, 9)):
        started = time.monotonic()
        said = run(3, "train", *RUNS["dense"], "--device", "cpu", "-o", "out.st", status=1,
                   environment={**lacking, "FAILING_RANK": str(rank), "FAILING_AT": str(at)})[1]
        took = time.monotonic() - started
        what = f"allocation {at} on rank {rank}"
        expect("out of memory" in said, f"{what}: {said}")
        expect(took < 20, f"{what}: the job has ended after {took:.1f} s")
        expect(not os.path.exists("out.st"), f"{what}: it has trained")


def test_no_module():
    """One of several processes without the module, or without MPI, does not train by itself."""
    out = "alone.st"
    for ranks, environment in ((2, {"LOCKSTEP_MPI": "/nonexistent"}),
                               (0, {"LOCKSTEP_MPI": "/nonexistent", "OMPI_COMM_WORLD_SIZE": "4"}),
                               (0, {"LOCKSTEP_MPI": PROGRAM, "PMI_SIZE": "2"}),
                               (0, {"SLURM_STEP_NUM_TASKS": "4"})):
        said = run(ranks, "train", data("iris.csv"), "-o", out, status=1, environment=environment)[1]
        wanted = "Slurm" if "SLURM_STEP_NUM_TASKS" in environment else environment["LOCKSTEP_MPI"]
        expect(wanted in said, f"{environment}: {said}")
        expect(not os.path.exists(out), f"{environment}: it has trained")
    # one task, or one process of mpirun, trains
    for environment in ({"SLURM_STEP_NUM_TASKS": "1"}, {"OMPI_COMM_WORLD_SIZE": "1"}):
        run(0, "train", data("iris.csv"), "--epochs", "1", "-o", out, "-q", environment=environment)
        pathlib.Path(out).unlink(missing_ok=True)


# ---- Interruptions -------------------------------------------------------------------------------

LONG = [data("digits.csv"), "--hidden", "30", "--batch", "300", "--batch-norm", "--dropout", "0.1",
        "--patience", "0", "--device", "cpu"]
NEVER = "1h"


def lives(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


def processes(mpirun):
    """{rank: process} of the processes that it has started."""
    found = {}
    children = pathlib.Path(f"/proc/{mpirun}/task/{mpirun}/children").read_text().split()
    for task in pathlib.Path(f"/proc/{mpirun}/task").iterdir():
        children += (task / "children").read_text().split()
    for child in set(children):
        try:
            environment = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in environment:
            if variable.startswith((b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK=")):
                found[int(variable.split(b"=")[1])] = int(child)
    return found


class PacedLog:
    """The log of a training as a pipe of one page that is read at intervals: the training waits until
    it is read, and so does not end before it is struck, however fast the machine is."""

    PAGE = os.sysconf("SC_PAGESIZE")
    LINE = 100  # bytes of an epoch, at least

    def __init__(self, path):
        os.mkfifo(path)
        self.path, self.text, self.ended = path, b"", False
        self.end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.end, getattr(fcntl, "F_SETPIPE_SZ", 1031), self.PAGE)

    @classmethod
    def epochs(cls, pages):
        """So many that they do not fit into that many pages."""
        return pages * cls.PAGE // cls.LINE

    def read(self):
        """A page at most, after a while."""
        time.sleep(0.2)
        if select.select([self.end], [], [], 0)[0]:
            more = os.read(self.end, self.PAGE)
            self.text, self.ended = self.text + more, not more

    def lines(self):
        return self.text.count(b"\n")

    def close(self):
        """A resumed training goes on with a file."""
        os.close(self.end)
        os.unlink(self.path)
        pathlib.Path(self.path).write_bytes(self.text)


def checkpoints(folder):
    return list(folder.glob("checkpoint-*.safetensors"))


def interrupted(folder, ranks, epochs, every, strike):
    """A long run, which `strike` ends in the middle. every: between its checkpoints; NEVER: there is
    only the one that an interrupted training writes."""
    kept, log = pathlib.Path(f"{folder}-kept"), PacedLog(f"{folder}.log")
    started = []
    with open("printed", "w+", encoding="utf-8") as printed:
        command = words(ranks, ["train", *LONG, "--epochs", epochs, "--run", folder, "--checkpoint", kept,
                                "--every", every, "--log", log.path])
        job = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=printed,
                               stderr=printed)
        limit = time.monotonic() + LIMIT
        try:
            while log.lines() < 25 and job.poll() is None and time.monotonic() < limit:
                log.read()
            while (every != NEVER and not checkpoints(kept) and job.poll() is None
                   and time.monotonic() < limit):
                time.sleep(0.01)
            if expect(job.poll() is None and log.lines() >= 25 and not log.ended,
                      f"{folder}: no epoch ends, or all do"):
                started = list(processes(job.pid).values())
                strike(job)
            while job.poll() is None and not log.ended and time.monotonic() < limit:
                log.read()
            status = job.wait(LIMIT)
        finally:
            log.close()
            if job.poll() is None:
                job.kill()
                job.wait()
        printed.seek(0)
        text = printed.read()
    expect("stopped by epochs" not in text, f"{folder}: ended before it was interrupted:\n{text}")
    expect(status != 0, f"{folder}: status 0 after an interruption:\n{text}")
    expect(checkpoints(kept), f"{folder}: no checkpoint was written:\n{text}")
    expect(len(started) == ranks, f"{folder}: {len(started)} processes")
    for process in started:
        expect(not lives(process), f"{folder}: a process is left")


def kill(rank, how=signal.SIGKILL):
    def strike(job):
        os.kill(processes(job.pid)[rank], how)
    return strike


def stop(job):
    job.send_signal(signal.SIGINT)


def check_interruptions(epochs, cases):
    here = os.getcwd()
    run(0, "train", *LONG, "--epochs", epochs, "--run", "whole")
    for name, ranks, every, strike, after in cases:
        folder = os.path.join(here, name)
        interrupted(folder, ranks, epochs, every, strike)
        run(after, "resume", f"{folder}-kept", "--device", "cpu")
        same_file(f"{folder}/model.safetensors", "whole/model.safetensors", f"{name}, resumed on {after}")


def test_killed():
    """A rank that dies ends the job; with other numbers of ranks the training goes on. So it does
    after a signal to the leader, which ends with a checkpoint."""
    check_interruptions(PacedLog.epochs(8), (("follower", 3, "20", kill(2), 2), ("leader", 2, "20", kill(0), 0),
                                             ("stopped", 2, NEVER, kill(0, signal.SIGTERM), 3)))


def test_ctrl_c():
    """mpirun passes it on after a while, and gives the ranks as long to end."""
    check_interruptions(PacedLog.epochs(30), (("ctrl-c", 2, NEVER, stop, 0),))


def struck(name, strike, seconds):
    """A long run of 2 ranks, one of which `strike` makes slow: (status and seconds of rank 0 from then on,
    what was printed)."""
    log = pathlib.Path(f"{name}.log")
    with open("printed", "w+", encoding="utf-8") as printed:
        job = subprocess.Popen(words(2, ["train", *LONG, "--epochs", 10**6, "-o", f"{name}.st", "--log", log]),
                               env={**ENVIRONMENT, "LOCKSTEP_RANKS_SECONDS": seconds},
                               stdin=subprocess.DEVNULL, stdout=printed, stderr=printed)
        limit = time.monotonic() + LIMIT
        try:
            while not (log.exists() and log.read_text().count("\n") > 3):
                expect(job.poll() is None and time.monotonic() < limit, f"{name}: no epoch ends")
                if failures:
                    break
                time.sleep(0.01)
            ranks = processes(job.pid)
            started = time.monotonic()
            strike(ranks)
            while lives(ranks[0]) and time.monotonic() < limit:
                time.sleep(0.05)
            took = time.monotonic() - started
            status = job.wait(LIMIT)
        finally:
            if job.poll() is None:
                job.kill()
                job.wait()
        printed.seek(0)
        text = printed.read()
    for process in ranks.values():
        expect(not lives(process), f"{name}: a process is left")
    return status, took, text


def test_no_answer():
    """A rank that does not answer is waited for once, and the job ends."""
    status, took, text = struck("frozen", lambda ranks: os.kill(ranks[1], signal.SIGSTOP), "4")
    expect(status != 0 and text.count("did not answer within the limit") == 1, f"frozen: {status}:\n{text}")
    expect(4 <= took < 8, f"rank 0 has ended {took:.1f} s after another one was frozen, not 4")


def test_slow_rank():
    """Ranks that have waited for a slow one wait for it, too, when they are to stop."""
    def strike(ranks):
        for seconds in (2, 1.5):
            os.kill(ranks[1], signal.SIGSTOP)
            if seconds < 2:
                os.kill(ranks[0], signal.SIGTERM)
            time.sleep(seconds)
            os.kill(ranks[1], signal.SIGCONT)
            time.sleep(0.2)
    status, _, text = struck("slow", strike, "60")
    expect(status == 130 and "did not answer" not in text, f"slow: {status}:\n{text}")
    expect(os.path.exists("slow.st"), f"slow: the model so far was not saved:\n{text}")


def main():
    if not shutil.which("mpirun") or not os.path.exists(MODULE):
        print("skipped: no mpirun, or Lockstep was built without MPI (Debian: libopenmpi-dev openmpi-bin)")
        return 77
    tests = {name[5:]: do for name, do in globals().items() if name.startswith("test_")}
    folder = tempfile.mkdtemp(prefix="lockstep-ranks-", dir="/tmp")
    ENVIRONMENT["TMPDIR"] = folder  # of Open MPI: what killed jobs leave there goes away, too
    try:
        for name in sys.argv[4:] or tests:
            os.mkdir(os.path.join(folder, name))
            os.chdir(os.path.join(folder, name))
            started = time.monotonic()
            tests[name]()
            print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
