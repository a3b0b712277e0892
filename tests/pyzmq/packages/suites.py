"""Packages that use pyzmq, and how their own test suites run, unmodified.

Each comes from its sdist on the Python package index, by the ordinary pip client, and is checked
against the hash here. `copy` names what the suite needs from the sdist (all of it, where empty);
the package under test is the installed one. Nothing is left out of a suite in a full run, except
where `about` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIXTURE_LOOP = ("-o", "asyncio_default_fixture_loop_scope=function")  # pytest-asyncio wants a word

SERVER_OPTIONS = (
    *FIXTURE_LOOP, "-W", "ignore:The method, uri:DeprecationWarning",
    "-W", "ignore:The start_line argument:DeprecationWarning",
)  # fmt: skip
"""Its suite makes errors of warnings, and this tornado has two new ones."""


@dataclass(frozen=True)
class Suite:
    """One package, pinned, with its suite and what may differ."""

    name: str
    version: str
    sha256: str
    about: str
    copy: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    """The part that CI runs: paths and options instead of the whole suite."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Tests that pass with pyzmq and not with us, each with the reason why that stays so."""
    test_seconds: int = 60
    seconds: int = 900

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.name}=={self.version}"


TIMEOUTS = (
    "wants a warning that RCVTIMEO and SNDTIMEO do nothing in zmq.green, a defect of pyzmq: here "
    "they work"
)

SUITES = (
    Suite(
        "pyzmq",
        "27.3.0",
        "bbedb3d1d99babc625f1dd9d7438acefd442b36b75073fd6bc1ef7c0a4b96d56",
        "pyzmq's own tests",
        copy=("tests", "pytest.ini", "mypy.ini", "mypy_tests", "examples"),
        # flaky is another plugin for the mark of that name, and fails with this pytest
        arguments=("-p", "no:flaky", "tests"),
        quick=(
            "-p", "no:flaky", "tests", "--ignore=tests/test_mypy.py", "-k", "not test_large_send",
        ),
        accepted={
            "tests.test_socket.TestSocketGreen::test_warn_get_timeo": TIMEOUTS,
            "tests.test_socket.TestSocketGreen::test_warn_set_timeo": TIMEOUTS,
        },
    ),
    Suite(
        "jupyter_client",
        "8.10.0",
        "9f7116294dca55f1785be880057d44544db9b1567718d92cb33c58886afb9497",
        "talks to Jupyter kernels",
        copy=("tests", "pyproject.toml"),
        arguments=("-p", "no:asyncio", "tests"),  # the suite has asyncio tests by another plugin
        quick=(
            "-p", "no:asyncio", "tests/test_session.py", "tests/test_multikernelmanager.py",
            "tests/test_connect.py", "tests/test_adapter.py", "tests/test_transport_security.py",
            "tests/test_provisioning.py", "tests/test_public_api.py", "tests/test_manager.py",
        ),
    ),
    Suite(
        "ipykernel",
        "7.4.0",
        "4330114d22b9b33575b2c7c68753fc8faabbbcfbc60b0cdff9f14dd4ce63742f",
        "the Jupyter kernel for Python",
        copy=("tests", "pyproject.toml"),
        arguments=(*FIXTURE_LOOP, "tests"),
        quick=(
            *FIXTURE_LOOP, "tests/test_kernel_direct.py", "tests/test_ipkernel_direct.py",
            "tests/test_message_spec.py", "tests/test_io.py", "tests/test_heartbeat.py",
            "tests/test_async.py", "tests/test_kernelapp.py", "tests/test_curve.py",
            "tests/test_connect.py", "tests/test_start_kernel.py", "tests/inprocess",
        ),
    ),
    Suite(
        "nbclient",
        "0.11.0",
        "04a134a5b087f2c5887f228aca155db50169b8cd9334dee6942c8e927e56081a",
        "runs notebooks",
        copy=("tests", "pyproject.toml"),
        arguments=(*FIXTURE_LOOP, "tests"),
        quick=(*FIXTURE_LOOP, "tests/test_util.py", "tests/test_cli.py"),
        test_seconds=100,
    ),
    Suite(
        "zmq_anyio",
        "0.4.1",
        "0c11c2fe0657987d545380d500e82587c0b636c67c98490f2c2682b2dcc96196",
        "ZeroMQ for asyncio and trio by way of anyio",
        copy=("tests", "pyproject.toml"),
        arguments=("tests",),
        quick=("tests",),
    ),
    Suite(
        "jupyter_console",
        "6.6.3",
        "566a4bf31c87adbfadf22cdf846e3069b59a71ed5da71d6ba4d8aaad14a53539",
        "the Jupyter terminal",
        copy=("jupyter_console/tests",),
        arguments=("tests",),
        quick=("tests",),
    ),
    Suite(
        "aiozmq",
        "1.0.0",
        "dac9069d36a47da439fa852ed37caaed3887b5928cb781e06a6a82e43682c6bb",
        "an older asyncio for ZeroMQ, on zmq.Poller",
        copy=("tests",),
        # tests/rpc_test.py is older than Python 3.11, and cannot be imported with either library
        arguments=("-o", "python_files=*_test.py", "--continue-on-collection-errors", "tests"),
        quick=("-o", "python_files=*_test.py", "--ignore-glob=tests/rpc*", "tests"),
        accepted={
            "tests.zmq_events_test.ZmqEventLoopTests"
            "::test_create_zmq_connection_closes_socket_on_bad_connect": (
                "aiozmq leaves a closed socket in its poller: pyzmq polls standard input in its "
                "place, here poll() says so"
            ),
        },
    ),
    Suite(
        "pyleco",
        "0.6.0.post1",
        "ec40c508b682a79556bb71486f4ed99167587dbd0fdc2e5bc3bd539454fc8ba0",
        "laboratory control (LECO)",
        copy=("tests", "pyproject.toml"),
        arguments=("tests",),
        quick=("tests", "--ignore=tests/acceptance_tests"),  # those wait for 0.1 s at most
    ),
    Suite(
        "jupyter_server",
        "2.21.1",
        "a8960aa29263f6041283e97d4756b099fb49b767baab6371891ecb1bd40a63df",
        "the server behind Jupyter: the tests of its connections to kernels",
        copy=("tests", "pyproject.toml"),
        arguments=(
            *SERVER_OPTIONS, "tests/services/kernels/test_connection.py",
            "tests/services/kernels/test_events.py", "tests/services/kernels/test_config.py",
            "tests/services/kernels/test_restart_error.py",
            "tests/services/kernels/test_execution_state.py",
            "tests/services/kernels/test_transport_encryption.py",
            "tests/services/sessions/test_manager.py",
        ),
        quick=(
            *SERVER_OPTIONS, "tests/services/kernels/test_connection.py",
            "tests/services/kernels/test_events.py", "tests/services/kernels/test_config.py",
            "tests/services/sessions/test_manager.py",
            "-k", "not orphaned_kernel_info_future",  # gives a kernel a second to start
        ),
    ),
)  # fmt: skip

EXTRAS = {
    "jupyter_client": "test",
    "ipykernel": "test",
    "nbclient": "test",
    "zmq_anyio": "test",
    "jupyter_console": "test",
    "jupyter_server": "test",
}
"""Which extra of a package brings what its suite needs."""

TOOLS = (
    "pytest", "pytest-timeout", "pytest-asyncio", "pytest-rerunfailures", "cython", "setuptools",
    "mypy", "gevent", "tornado",
)  # fmt: skip
"""What the suites need besides; pinned, as all else, by constraints.txt."""
