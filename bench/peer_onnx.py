#!/usr/bin/env python3
"""Inference of an ONNX model, as bench/peer.py --export writes it, by ONNX Runtime or OpenVINO on random images.

  bench/peer_onnx.py --runtime onnxruntime|openvino --model FILE --batch N [--repeats 3] [--threads N]

Both compute in f32 and run one batch on all threads. Prints one line of JSON.
"""
import argparse
import os

import numpy

from one_pass import report

SIDE = 224


def load_onnxruntime(model, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def load_openvino(model, threads):
    import openvino

    # Left to itself it multiplies in bf16 where the processor can.
    properties = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", properties).create_infer_request()
    return lambda images: request.infer([images])[0]


RUNTIMES = {"onnxruntime": load_onnxruntime, "openvino": load_openvino}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", choices=sorted(RUNTIMES), required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    infer = RUNTIMES[options.runtime](options.model, options.threads)
    images = numpy.random.default_rng(0).standard_normal((options.batch, 3, SIDE, SIDE), dtype=numpy.float32)
    report(lambda: infer(images), options.batch, options.repeats)


if __name__ == "__main__":
    main()
