#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that TensorBoard's own readers read what train --tensorboard writes.

Compares the scalars with the log of the same run.

usage: tensorboard_reads.py PROGRAM      trains, reads, compares; prints TensorBoard's version
       tensorboard_reads.py --bytes      prints the known answers of tests/test_run_folder.c

Needs the package tensorboard (checked with 2.21.0). Not part of ctest, which needs no Python.
"""
import io
import json
import os
import struct
import subprocess
import sys
import tempfile

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event):
    out = io.BytesIO()
    writer = RecordWriter(out)
    writer.write(event.SerializeToString())
    writer.flush()
    return out.getvalue()


def print_bytes():
    scalar = summary_pb2.Summary.Value
    values = [scalar(tag="loss", simple_value=0.1), scalar(tag="validation_loss", simple_value=0.25), scalar(tag="lr", simple_value=0.003)]
    for event in (event_pb2.Event(wall_time=1500000000.25, file_version="brain.Event:2"),
                  event_pb2.Event(wall_time=1500000001.5, step=300, summary=summary_pb2.Summary(value=values))):
        print(", ".join(f"0x{b:02x}" for b in record(event)))


def float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def check(program):
    with tempfile.TemporaryDirectory() as folder:
        log, tb = os.path.join(folder, "log.jsonl"), os.path.join(folder, "tb")
        subprocess.run([program, "train", "moons", "--validation", "0.2", "--epochs", "300", "--schedule", "cosine", "--device", "cpu", "-q",
                        "--log", log, "--tensorboard", tb], check=True, stdout=subprocess.DEVNULL)
        with open(log) as lines:
            epochs = [json.loads(line) for line in lines]
        (name,) = os.listdir(tb)
        events = list(EventFileLoader(os.path.join(tb, name)).Load())
        assert len(events) == 301 and events[0].file_version == "brain.Event:2", len(events)
        tags = ["loss", "validation_loss", "validation_accuracy", "lr"]
        accumulator = EventAccumulator(tb, size_guidance={"scalars": 0})
        accumulator.Reload()
        assert sorted(accumulator.Tags()["scalars"]) == sorted(tags), accumulator.Tags()
        for tag in tags:
            scalars = accumulator.Scalars(tag)
            assert [s.step for s in scalars] == [e["epoch"] for e in epochs]
            assert [s.value for s in scalars] == [float32(e[tag]) for e in epochs], tag
    print(f"TensorBoard {tensorboard.version.VERSION} reads all 4 x 300 scalars with the values written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print_bytes() if sys.argv[1] == "--bytes" else check(sys.argv[1])
