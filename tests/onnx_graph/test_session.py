"""How long the threads of a session wait awake."""

import resource
import time

import numpy as np
import pytest
from onnx import TensorProto, helper

from headstart.onnx_graph.session import _spinning, open_session


@pytest.mark.parametrize(
    ("spin", "version", "is_short"),
    [(True, "1.31.1", False), (False, "1.31.1", True), (False, "1.32.0.dev20260101", True)],
)
def test_threads_that_others_need_wait_awake_for_a_moment_only(spin, version, is_short):
    assert ("session.intra_op.spin_duration_us" in _spinning(spin=spin, version=version)) == is_short


def test_a_runtime_that_does_not_know_the_moment_does_not_wait_awake():
    assert _spinning(spin=False, version="1.18.0") == {"session.intra_op.allow_spinning": "0"}


def test_a_session_that_waits_for_work_takes_no_processor_time():
    size = 256
    multiply = helper.make_node("MatMul", ["x", "x"], ["y"])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [size, size]) for name in "xy")
    model = helper.make_model(
        helper.make_graph([multiply], "square", [x], [y]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    session = open_session(model.SerializeToString(), threads=2, spin=False)
    given = np.eye(size, dtype=np.float32)
    for _ in range(20):
        assert (session.run(None, {"x": given})[0] == given).all()
    before = _worked_s()
    time.sleep(0.5)
    assert _worked_s() - before < 0.1


def _worked_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
