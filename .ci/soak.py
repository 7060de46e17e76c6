#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs random commands with random options on random data, for as long as asked:

    .ci/soak.py build/check/lockstep --seconds 3600 [--seed 1] [--device 1]

Every command must end with exit status 0, 1, 2 or 130, within its time, with a message if it is not
0, without a report of a sanitizer, and must leave no temporary file. A training that is interrupted
must be resumed to the model of one that is not. Prints each wrong command with its seed, and the
largest memory that a process took, early and late, which should be the same."""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

GENERATORS = ["moons", "circles", "spirals", "blobs", "xor", "friedman1", "linear-regression", "sine",
              "steps"]
ACTIVATIONS = ["relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leaky_relu", "softplus", "identity"]


class Soak:
    def __init__(self, program, seed, device):
        self.program, self.random, self.device = program, random.Random(seed), device
        self.commands = self.wrong = 0
        self.largest = []

    def run(self, *words, seconds=120, stop=None):
        """Runs one command. stop: seconds after which it is sent SIGINT."""
        started = time.monotonic()
        process = subprocess.Popen([self.program, *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        try:
            if stop is not None:
                try:
                    process.wait(stop)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return self.report(words, f"did not end within {seconds} s", "")
        self.commands += 1
        text = (out + err).decode(errors="replace")
        allowed = (0, 1, 2, 130) if stop is None else (0, 1, 2, 130, -signal.SIGINT)
        if process.returncode not in allowed:
            return self.report(words, f"exit status {process.returncode}", text)
        if process.returncode in (1, 2) and not err.strip():
            return self.report(words, f"exit status {process.returncode} without a word", text)
        if "Sanitizer" in text or "runtime error" in text:
            return self.report(words, "a sanitizer's report", text)
        self.largest.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        return process.returncode, out.decode(errors="replace"), time.monotonic() - started

    def report(self, words, what, text):
        self.wrong += 1
        print(f"WRONG: {what}: lockstep {' '.join(words)}\n{text[-2000:]}", flush=True)
        return None, "", 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def data(self):
        """A generator, or a file of random rows, some of them damaged."""
        r = self.random
        if r.random() < 0.5:
            return [r.choice(GENERATORS), "--rows", str(r.randint(2, 400)), "--data-seed",
                    str(r.randint(0, 99))]
        columns, rows = r.randint(1, 6), r.randint(1, 120)
        cells = [lambda: f"{r.gauss(0, 10 ** r.randint(-3, 4)):.5g}", lambda: r.choice("abc"),
                 lambda: "", lambda: "NA", lambda: r.choice(["1e39", "nan", "'", '"x"', "é", "-0"])]
        weights = [30, 3, 1, 1, r.choice([0, 0, 1])]
        with open("data.csv", "w", encoding="utf-8") as file:
            if r.random() < 0.7:
                file.write(",".join(f"c{i}" for i in range(columns)) + ",target\n")
            for _ in range(rows):
                row = [r.choices(cells, weights)[0]() for _ in range(columns)]
                file.write(",".join(row) + "," + r.choice(["yes", "no", "maybe"][:r.randint(2, 3)]) +
                           "\n")
        if r.random() < 0.1:
            with open("data.csv", "r+b") as file:
                file.seek(r.randint(0, os.path.getsize("data.csv") - 1))
                file.write(bytes([r.randint(0, 255)]))
        return ["data.csv"]

    def options(self):
        r, words = self.random, []
        every = [("--hidden", self.pick("", "4", "8,8", "16,4,4", "1")),
                 ("--activation", r.choice(ACTIVATIONS)), ("--epochs", str(r.randint(1, 60))),
                 ("--batch", self.pick("auto", "full", "1", "7", "64")), ("--dropout", "0.2"),
                 ("--optimizer", self.pick("adam", "sgd", "momentum", "rmsprop", "adamw", "gd")),
                 ("--lr", self.pick("0.1", "1e-3", "1e3", "1e-9")), ("--clip", "1"),
                 ("--schedule", self.pick("constant", "step", "cosine", "plateau")),
                 ("--validation", self.pick("0.2", "0.9")), ("--patience", "3"),
                 ("--batch-norm", "on"), ("--residual", "on"), ("--l2", "0.01"),
                 ("--on-nan", "rollback"), ("--class-weights", "balanced"), ("--seed", "7"),
                 ("--verify", "3"), ("--check-finite", None), ("--split", "0.3"),
                 ("--standardize", self.pick("on", "off"))]
        for name, value in every:
            if r.random() < 0.15:
                words += [name] if value is None else [f"{name}={value}"]
        return words + ["--device", self.device] if r.random() < 0.3 else words

    def train(self):
        words = ["train", *self.data(), *self.options(), "-o", "m.st"]
        for name, place in ("--run", "run"), ("--report", "r.html"), ("--log", "log"):
            if self.random.random() < 0.2:
                words += [name, place]
        code, _, seconds = self.run(*words)
        if code == 0 and self.random.random() < 0.5:
            self.use()
        if code == 0 and self.random.random() < 0.3 and "--time-limit" not in words:
            self.interrupt(words, seconds)

    def interrupt(self, words, seconds):
        """The same, interrupted, and resumed."""
        with open("m.st", "rb") as file:
            right = file.read()
        shutil.rmtree("run", ignore_errors=True)
        self.run(*words, "--checkpoint", "c", "--every", "1", stop=seconds * self.random.random())
        if os.path.exists("c/outputs.json"):
            code, _, _ = self.run("resume", "c")
            with open("m.st", "rb") as file:
                if code != 0 or file.read() != right:
                    self.report(words, f"resumed to another model (status {code})", "")

    def use(self):
        for words in (["show", "m.st"], ["evaluate", "m.st", "data.csv"],
                      ["predict", "m.st", "data.csv", "-o", "p.csv"],
                      ["report", "m.st", "data.csv", "-o", "p.html"], ["plot", "loss", "m.st", "-o", "l.svg"],
                      ["predict", "m.st", "moons"], ["verify", "m.st", "m.st"]):
            if self.random.random() < 0.5:
                self.run(*words)

    def search(self):
        self.run("search", *self.data(), "--hidden", "4|8", "--lr", "1e-3..1:log", "--trials",
                 str(self.random.randint(1, 6)), "--epochs", "5", "--strategy",
                 self.pick("random", "halving"), "--report", "s.csv", "-o", "s.st")

    def others(self):
        name = self.random.choice(GENERATORS)
        self.run(*self.pick(["make", name, "--rows", "50", "-o", "data.csv"], ["describe", *self.data()],
                            ["experiment", "R", "-o", "e", "--quick", "--seeds", "1", "-q"],
                            ["train", "nothing.csv"], ["train", name, "--hiden", "4"], ["resume", "c"],
                            ["show", "data.csv"], ["devices"]))

    def one(self):
        self.random.choices([self.train, self.search, self.others], [6, 1, 2])[0]()
        left = [name for name in os.listdir(".") if name.endswith(".tmp")]
        if left:
            self.report(["(before)"], f"left {left}", "")
        for name in os.listdir("."):
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--device", default="auto")
    a = parser.parse_args()
    soak = Soak(os.path.abspath(a.program), a.seed, a.device)
    print(f"seed {a.seed}", flush=True)
    end = time.monotonic() + a.seconds
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        while time.monotonic() < end:
            soak.one()
        os.chdir("/")
    half = len(soak.largest) // 2
    early, late = max(soak.largest[:half], default=0), max(soak.largest[half:], default=0)
    print(f"{soak.commands} commands, {soak.wrong} wrong; most memory of a process: {early >> 10} MB "
          f"in the first half, {late >> 10} MB in all")
    return soak.wrong > 0


if __name__ == "__main__":
    sys.exit(main())
