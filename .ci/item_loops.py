#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that no kernel holds the branches that PoCL 5 and later cannot compile (pocl#1435).

usage: item_loops.py [FILE...]     (by default the files in kernels)

PoCL's compiler crashes on an if whose arms both loop over work-items, one of them inside another
loop, if the if is in a loop that ends with a barrier:

    if (masked) for (c = 0; c < columns; c++) EACH(i, lanes) ...
    else EACH(i, n) ...

Calls are followed, by name. Both variants of #if and the bodies of macros are read.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOKEN = re.compile(r"#define\b|\w+|\S|\n")
LOOPS = {"for", "while", "do"}


def tokens(text):
    """(token, line) without comments and without directives other than #define."""
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^[ \t]*#[ \t]*define\b", "#define", text, flags=re.M)
    text = re.sub(r"^[ \t]*#(?!define)(?:\\\n|[^\n])*", lambda m: "\n" * m[0].count("\n"), text, flags=re.M)
    line, found, continued = 1, [], False
    for token in TOKEN.findall(text):
        if token == "\n":
            if found and not continued:
                found.append(("\n", line))
            line += 1
        elif token != "\\":
            found.append((token, line))
        continued = token == "\\"
    return found


class Source:
    """Tokens of one file; positions are indices into them."""

    def __init__(self, text):
        everything = tokens(text)
        self.words, self.lines, self.ends = [], [], {}  # ends: where a macro's body ends
        define = None
        for word, line in everything:
            if word == "\n":
                if define is not None:
                    self.ends[define], define = len(self.words), None
                continue
            if word == "#define":
                define = len(self.words)
            self.words.append(word)
            self.lines.append(line)
        if define is not None:
            self.ends[define] = len(self.words)

    def word(self, at):
        return self.words[at] if at < len(self.words) else ""

    def closing(self, at):
        """Position behind the bracket that closes the one at `at`."""
        depth = 0
        while at < len(self.words):
            depth += (self.words[at] in "({[") - (self.words[at] in ")}]")
            at += 1
            if depth == 0:
                break
        return at

    def statement(self, at):
        """Position behind the statement that starts at `at`."""
        word = self.word(at)
        if word == "{":
            return self.closing(at)
        if word == "do":
            return self.statement(self.statement(at + 1))
        if word in ("if", "for", "while", "switch"):
            at = self.statement(self.closing(at + 1))
            return self.statement(at + 1) if word == "if" and self.word(at) == "else" else at
        while at < len(self.words) and self.words[at] not in (";", "}", "#define"):
            if self.words[at] == "(" and self.words[at - 1].isupper():  # a macro: EACH(i, n) statement
                at = self.closing(at)
                return at if self.word(at) in ("else", "}") else self.statement(at)
            at = self.closing(at) if self.words[at] in "({[" else at + 1
        return at + (self.word(at) == ";")

    def bodies(self):
        """(name, first, end) of each function and macro."""
        at = 0
        while at < len(self.words):
            if at in self.ends:
                yield self.words[at + 1], at + 2, self.ends[at]
                at = self.ends[at]
            elif self.words[at] == "(":
                end = self.closing(at)
                if self.word(end) == "{":
                    yield self.words[at - 1], end, self.closing(end)
                    end = self.closing(end)
                elif (self.words[at - 1].isupper() and self.word(at + 2) == ","
                      and self.words[at + 1].isidentifier()):  # PRODUCT(name, ...)
                    yield self.words[at + 1], at - 1, at
                at = end
            else:
                at += 1


def over_items(words, known):
    return any(w in known for w in words)


def nested(source, first, end, known, deep):
    """Whether a loop over work-items is inside another loop."""
    for at in range(first, end):
        word = source.words[at]
        if word in deep:
            return True
        if word in LOOPS and over_items(source.words[at + 1:min(source.statement(at), end)], known):
            header = source.closing(at + 1) if word != "do" else at + 1
            if over_items(source.words[header:min(source.statement(at), end)], known):
                return True
    return False


def program(name, texts):
    """The file and those that it includes: names have their meaning within a program."""
    todo, files = [name], {}
    while todo:
        name = todo.pop()
        if name in texts and name not in files:
            files[name] = texts[name]
            todo += re.findall(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', texts[name], flags=re.M)
    return files


def faults(texts):
    """One line for each fault of the programs, which are the files that no other one includes."""
    included = {f for name in texts for f in program(name, texts) if f != name}
    return sorted({f for name in texts if name not in included for f in faults_of(program(name, texts))})


def faults_of(texts):
    sources = {name: Source(text) for name, text in texts.items()}
    known, deep = {"EACH", "GROUP", "get_local_id"}, set()
    before = None
    while before != (len(known), len(deep)):
        before = len(known), len(deep)
        for source in sources.values():
            for name, first, end in source.bodies():
                if over_items(source.words[first:end], known):
                    known.add(name)
                if nested(source, first, end, known, deep):
                    deep.add(name)
    for name, source in sources.items():
        for at, word in enumerate(source.words):
            if word != "if" or source.word(at + 1) != "(":
                continue
            first = source.closing(at + 1)
            middle = source.statement(first)
            if source.word(middle) != "else":
                continue
            end = source.statement(middle + 1)
            arms = [(first, middle), (middle + 1, end)]
            if all(over_items(source.words[a:b], known) for a, b in arms) and any(
                    nested(source, a, b, known, deep) for a, b in arms):
                yield f"{name}:{source.lines[at]}: both arms loop over work-items, one in another loop (pocl#1435)"


def main():
    files = [pathlib.Path(a) for a in sys.argv[1:]] or sorted(
        [*ROOT.glob("kernels/*.cl"), *ROOT.glob("kernels/*.h")])
    texts = {f.relative_to(ROOT).as_posix() if ROOT in f.parents else str(f): f.read_text() for f in files}
    found = faults(texts)
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
