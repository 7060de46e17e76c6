#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures prediction with one network in Lockstep, ONNX Runtime and scikit-learn, interleaved.

    python3 bench/predict_side_by_side.py [--program build/lockstep]
        [--library build/liblockstep.so] [--case 20-64-64-3:400000] [--threads 1,2] [--rounds 7]

Needs numpy, scikit-learn, onnx, onnxruntime, pandas and pyarrow. A case is a network and a number
of rows. `lockstep train` trains it for one epoch; the peers get the weights of its model file.

compute   rows × inputs as a float32 array in memory, probabilities as an array. Lockstep is called
          through its C library (ls_model_predict). The peers standardise the inputs, too, and take
          the rows in pieces of the size that is fastest for them.
file      a CSV file in, a CSV file with the class and the probabilities out. Lockstep is the
          program, from start to end. The peers are a running Python process: one reads and writes
          with pandas, the other with pyarrow. scikit-learn uses pandas.

Each contestant is a process of its own, pinned to as many cores as it has threads. Each round runs
all of them in turn, so a change in the machine's speed affects all; medians are printed. The
outputs of all must agree to 1e-5.
"""
import argparse, ctypes, json, os, statistics, struct, subprocess, sys, tempfile, time

CASES = ["20-64-64-3:400000", "784-512-512-10:20000"]
TOLERANCE = 1e-5


# ---- The model -------------------------------------------------------------------------------------------------------

def read_model(path):
    """Weights, biases, mean and scale of a model file (docs/file-format.md)."""
    import numpy as np
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    about = json.loads(header.pop("__metadata__")["lockstep"])

    def tensor(name):
        a, b = header[name]["data_offsets"]
        return np.frombuffer(body[a:b], "<f4").reshape(header[name]["shape"]).copy()

    layers = sum(name.endswith(".weight") for name in header)
    standardize = about["standardize"]
    return {"w": [tensor(f"layers.{i}.weight") for i in range(layers)],
            "b": [tensor(f"layers.{i}.bias") for i in range(layers)],
            "mean": np.array(standardize["mean"]), "scale": np.array(standardize["scale"]),
            "classes": about["classes"], "features": about["features"]}


def make_case(program, case, folder):
    """Writes data and trains a model. Returns the paths of the model and of the rows."""
    import numpy as np
    network, rows = case.split(":")
    widths, rows = [int(w) for w in network.split("-")], int(rows)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, widths[0]), dtype=np.float32)
    classes = (x @ rng.standard_normal((widths[0], widths[-1]))).argmax(1)
    names = ",".join(f"x{i}" for i in range(widths[0]))
    train, model, data = (os.path.join(folder, name) for name in ("train.csv", "m.safetensors", "rows.csv"))
    with open(train, "w") as f:
        f.write(names + ",class\n")
        np.savetxt(f, np.c_[x, classes][:5000], fmt=["%.6g"] * widths[0] + ["%d"], delimiter=",")
    with open(data, "w") as f:
        f.write(names + "\n")
        for at in range(0, rows, 10000):
            np.savetxt(f, x[at:at + 10000], fmt="%.6g", delimiter=",")
    subprocess.run([program, "train", train, "--hidden", ",".join(map(str, widths[1:-1])), "--epochs", "1",
                    "--output", "softmax", "--activation", "relu", "--batch", "128", "--device", "cpu", "-q", "-o", model],
                   check=True, stdout=subprocess.DEVNULL)
    return model, data


# ---- Compute: a function from an array to an array -------------------------------------------------------------------

def lockstep_compute(model, threads, library):
    import numpy as np
    lib, handle, device, error = ctypes.CDLL(library), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.create_string_buffer(2048)
    lib.ls_model_outputs.restype = ctypes.c_size_t

    def call(function, *arguments):
        if function(*arguments, error):
            sys.exit(f"{function.__name__}: {error.raw[4:].split(bytes(1))[0].decode()}")

    call(lib.ls_model_load, model.encode(), ctypes.byref(handle))
    call(lib.ls_device_open, b"cpu", threads, 0, ctypes.byref(device))
    outputs = lib.ls_model_outputs(handle)

    def run(x):
        out = np.empty((len(x), outputs), np.float32)
        call(lib.ls_model_predict, handle, device, x.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(x)),
             out.ctypes.data_as(ctypes.c_void_p))
        return out

    return run


def onnx_compute(model, threads, _):
    import numpy as np, onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    m, nodes, at = read_model(model), [], "x"
    constants = {"mean": m["mean"].astype(np.float32), "scale": m["scale"].astype(np.float32)}
    nodes += [helper.make_node("Sub", ["x", "mean"], ["centred"]), helper.make_node("Mul", ["centred", "scale"], ["in"])]
    at = "in"
    for i, (w, b) in enumerate(zip(m["w"], m["b"])):
        constants[f"w{i}"], constants[f"b{i}"] = w, b
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = i + 1 == len(m["w"])
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"z{i}"], ["p" if last else f"a{i}"]))
        at = f"a{i}"
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", m["w"][0].shape[0]])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["rows", len(m["classes"])])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(file.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def sklearn_compute(model, threads, _):
    import numpy as np
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import LabelBinarizer, StandardScaler
    m = read_model(model)
    scaler = StandardScaler()
    scaler.mean_, scaler.scale_ = m["mean"], 1 / m["scale"]
    scaler.var_, scaler.n_features_in_ = scaler.scale_ ** 2, len(m["mean"])
    network = MLPClassifier(hidden_layer_sizes=[len(b) for b in m["b"][:-1]], activation="relu")
    network.coefs_, network.intercepts_ = m["w"], m["b"]
    network.n_layers_, network.n_outputs_, network.out_activation_ = len(m["w"]) + 1, len(m["classes"]), "softmax"
    network.classes_, network.n_features_in_ = np.arange(len(m["classes"])), len(m["mean"])
    network._label_binarizer = LabelBinarizer().fit(network.classes_)
    return lambda x: network.predict_proba(scaler.transform(x))


COMPUTE = {"lockstep": lockstep_compute, "onnxruntime": onnx_compute, "scikit-learn": sklearn_compute}


def in_pieces(run, x):
    """run in pieces of the size that is fastest, and that size."""
    import numpy as np

    def pieces(size):
        return np.concatenate([run(x[at:at + size]) for at in range(0, len(x), size)])

    def seconds(size):
        start = time.perf_counter()
        pieces(size)
        return time.perf_counter() - start

    sizes = [s for s in (256, 1024, 4096, 16384) if s < len(x)] + [len(x)]
    best = min(sizes, key=lambda size: min(seconds(size) for _ in range(3)))
    return lambda: pieces(best), best


# ---- Files -----------------------------------------------------------------------------------------------------------

def with_pandas(run, m, data, to):
    import numpy as np, pandas
    x = pandas.read_csv(data, dtype=np.float32, engine="c").to_numpy()
    p = run(np.ascontiguousarray(x))
    table = pandas.DataFrame(p, columns=["p_" + c for c in m["classes"]])
    table.insert(0, "class", np.array(m["classes"])[p.argmax(1)])
    table.to_csv(to, index=False)


def with_pyarrow(run, m, data, to):
    import numpy as np, pyarrow
    from pyarrow import csv
    types = csv.ConvertOptions(column_types={name: pyarrow.float32() for name in m["features"]})
    table = csv.read_csv(data, convert_options=types)
    p = run(np.column_stack([column.to_numpy() for column in table.columns]))
    names = pyarrow.array(np.array(m["classes"])[p.argmax(1)])
    columns = [pyarrow.array(np.ascontiguousarray(p[:, k])) for k in range(p.shape[1])]
    csv.write_csv(pyarrow.table([names] + columns, names=["class"] + ["p_" + c for c in m["classes"]]), to)


FILES = {"lockstep": None, "onnxruntime, pyarrow": ("onnxruntime", with_pyarrow),
         "onnxruntime, pandas": ("onnxruntime", with_pandas), "scikit-learn, pandas": ("scikit-learn", with_pandas)}


# ---- Contestants -----------------------------------------------------------------------------------------------------

def work(o):
    """A contestant: runs once for each line on standard input and prints seconds."""
    import numpy as np
    kind, name = o.worker.split(":")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(o.threads)])
    threads, result = int(o.threads), os.path.join(o.folder, o.worker.replace(" ", "") + ".result")
    if "pyarrow" in name:
        import pyarrow
        pyarrow.set_cpu_count(threads)
    note = ""
    if kind == "compute":
        x = np.loadtxt(o.data, np.float32, delimiter=",", skiprows=1)
        run = COMPUTE[name](o.model, threads, o.library)
        if name == "lockstep":
            once = lambda: run(x)
        else:
            once, size = in_pieces(run, x)
            note = f"pieces of {size} rows"
        np.save(result + ".npy", once())
    elif name == "lockstep":
        command = [o.program, "predict", o.model, o.data, "-o", result, "--device", "cpu", "--threads", str(threads)]
        once = lambda: subprocess.run(command, check=True)
    else:
        peer, way = FILES[name]
        run, m = COMPUTE[peer](o.model, threads, o.library), read_model(o.model)
        once = lambda: way(run, m, o.data, result)
    once()
    print("ready " + note, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        once()
        print(time.perf_counter() - start, flush=True)


def check(results, kind):
    """Exits unless all contestants have the same outputs."""
    import numpy as np, pandas
    read = np.load if kind == "compute" else lambda path: pandas.read_csv(path).to_numpy(float)[:, 1:]
    outputs = {name: read(path) for name, path in results.items()}
    first = outputs["lockstep"]
    worst = {name: float(abs(out - first).max()) for name, out in outputs.items() if name != "lockstep"}
    if any(out.shape != first.shape for out in outputs.values()) or not max(worst.values()) <= TOLERANCE:
        sys.exit(f"the outputs differ: {worst}")
    print(f"  outputs of all agree to {max(worst.values()):.1e}")


def measure(o, kind, names, model, data, threads, folder, rows):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                       MKL_NUM_THREADS=str(threads))
    environment.pop("OPENBLAS_CORETYPE", None)
    workers, times = {}, {name: [] for name in names}
    for name in names:
        workers[name] = subprocess.Popen(
            [sys.executable, __file__, "--worker", f"{kind}:{name}", "--model", model, "--data", data, "--folder", folder,
             "--threads", str(threads), "--program", o.program, "--library", o.library],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        line = workers[name].stdout.readline()
        if not line.startswith("ready"):
            sys.exit(f"{name} does not start")
        times[name, "note"] = line[6:].strip()
    for _ in range(o.rounds):
        for name, worker in workers.items():
            worker.stdin.write("\n")
            worker.stdin.flush()
            times[name].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    print(f"{kind}, {threads} thread{'s' * (threads > 1)}")
    for name in names:
        median = statistics.median(times[name])
        print(f"  {name:22} {rows / median:12,.0f} rows/s   {median * 1e3:9.1f} ms   {times[name, 'note']}")
    end = ".result.npy" if kind == "compute" else ".result"
    check({name: os.path.join(folder, f"{kind}:{name}".replace(" ", "") + end) for name in names}, kind)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/lockstep")
    p.add_argument("--library", default="build/liblockstep.so")
    p.add_argument("--case", action="append")
    p.add_argument("--kinds", default="compute,file")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--rounds", type=int, default=7)
    for name in ("worker", "model", "data", "folder"):
        p.add_argument("--" + name, help=argparse.SUPPRESS)
    o = p.parse_args()
    o.program, o.library = os.path.abspath(o.program), os.path.abspath(o.library)
    if o.worker:
        return work(o)
    for case in o.case or CASES:
        with tempfile.TemporaryDirectory() as folder:
            model, data = make_case(o.program, case, folder)
            network, rows = case.split(":")
            print(f"--- {network}, {int(rows):,} rows; the file has {os.path.getsize(data) / 1e6:.0f} MB")
            for kind in o.kinds.split(","):
                names = list(COMPUTE if kind == "compute" else FILES)
                for threads in o.threads.split(","):
                    measure(o, kind, names, model, data, int(threads), folder, int(rows))


if __name__ == "__main__":
    main()
