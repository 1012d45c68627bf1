"""The simulator as others see it."""

from __future__ import annotations

import json
import os
import queue
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import pytest

import xentara_nb
from tests.support.clients import eventually
from xentara_nb.errors import OptionError, ServerUnreachableError, WriteRefusedError
from xentara_nb.protocol.commands import Browse, ClientHello, GetStage, Read, ServerInformation
from xentara_nb.protocol.identifiers import NIL_UUID
from xentara_nb.protocol.packets import Success, encode_packets
from xentara_nb.protocol.secret import Secret
from xentara_nb.simulator import ConfigurationError, ExposedWarning, SimulatorError, simulate
from xentara_nb.simulator.config import demo
from xentara_nb.simulator.config.configuration import from_documents
from xentara_nb.simulator.security import certificates

Documents = dict[str, dict[str, Any]]
Dial = Callable[..., Any]
REGISTER = UUID("22222222-2222-4222-8222-222222222222")


def test_the_demo_plant(dial: Dial) -> None:
    simulator = simulate()
    with simulator:
        assert simulator.url.startswith("wss://127.0.0.1:")
        assert simulator.url.endswith("/api/ws")
        assert simulator.users["operator"] == "operator-demo"
        assert str(simulator.port) in repr(simulator)
        for user in simulator.users:
            (browsed,) = dial(simulator, user).ask(Browse(NIL_UUID))
            assert len(browsed.item) == len(simulator.plant)
    assert "stopped" in repr(simulator)


def test_a_configuration_folder(
    small: Documents, write_folder: Callable[[Documents], Path], dial: Dial
) -> None:
    with simulate(write_folder(small)) as simulator:
        assert simulator.users == {}
        wire = dial(simulator, "anna", "secret")
        information, values = wire.ask(ServerInformation((2,)), Read(REGISTER, (11,)))
        assert information == Success(1, {2: "model.json"})
        assert isinstance(values, Success)


def test_a_configuration_from_memory(small: Documents) -> None:
    assert len(simulate(from_documents(small)).plant) == 3


def test_a_single_model_with_the_demo_users(small: Documents, tmp_path: Path, dial: Dial) -> None:
    path = tmp_path / "plant.json"
    path.write_text(json.dumps(small["model.json"]), encoding="utf-8")
    with simulate(model=path) as simulator:
        assert len(simulator.plant) == 3
        assert set(simulator.users) == {"viewer", "operator", "engineer"}
        dial(simulator, "viewer").ask(GetStage())


def test_another_model_for_a_configuration(
    small: Documents, write_folder: Callable[[Documents], Path]
) -> None:
    folder = write_folder({**small, "empty.json": {}})
    for config in (folder, from_documents(small)):
        assert len(simulate(config, model=str(folder / "empty.json")).plant) == 0


def test_a_made_up_model() -> None:
    assert len(simulate(elements=123).plant) == 123
    with pytest.raises(OptionError, match="Leave one of them out"):
        simulate(elements=1, model="model.json")
    with pytest.raises(OptionError, match="elements= has none: leave one of them out"):
        simulate(elements=1, stage_entitlements=("hold", "stop"))


def test_keys_of_tokens_that_nothing_says_how_to_accept(small: Documents) -> None:
    options: dict[str, Any]
    for options in ({}, {"model": "model.json"}, {"config": from_documents(small)}):
        with pytest.raises(OptionError, match="give that folder as config="):
            simulate(**options, jwks="keys.json")


def test_an_own_certificate_in_place_of_that_of_a_configuration(
    small: Documents, tmp_path: Path
) -> None:
    certificate, key = certificates.write_certificate(tmp_path)
    found = from_documents(small)
    security = replace(found.security, certificate=(certificate, key))
    found = replace(found, security=security)
    shown = {}
    for own in (False, True):
        with simulate(found, own_certificate=own) as simulator:
            shown[own] = simulator.ca_file == str(certificate)
    assert shown == {False: True, True: False}


@pytest.mark.parametrize("port", [-1, 65536, "8080", 8080.0, True])
def test_a_port_that_is_none(port: Any) -> None:
    with pytest.raises(OptionError, match="from 0 to 65535"):
        simulate(port=port)


@pytest.mark.parametrize("elements", [-1, 1.5, "10", True])
def test_a_number_of_elements_that_is_none(elements: Any) -> None:
    with pytest.raises(OptionError, match="is no number of elements"):
        simulate(elements=elements)


@pytest.mark.parametrize("name", ["config", "model", "certificate", "log"])
@pytest.mark.parametrize("path", ["a\0b", 5, "~no such user/x"])
def test_a_path_that_is_none(name: str, path: Any) -> None:
    with pytest.raises(OptionError, match=r"path|home folder"):
        simulate(**{name: path})


def test_a_path_in_the_home_folder(
    small: Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "model.json").write_text(json.dumps(small["model.json"]))
    assert len(simulate(model="~/model.json").plant) > 0


@pytest.mark.parametrize("path", ["x" * 5000, "/proc/self/mem/x"])
def test_a_folder_that_cannot_be_looked_at(path: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        simulate(path)


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "mün" * 30])
def test_a_host_that_is_no_name(host: str) -> None:
    with pytest.raises(SimulatorError, match="is no name of a computer"):
        simulate(host=host).start()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_log_that_no_one_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    with pytest.raises(SimulatorError, match="cannot be written"):
        simulate(log=tmp_path / "log").start()


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_documented_passwords_on_the_network(host: str, small: Documents) -> None:
    simulator = simulate(host=host)
    with pytest.warns(ExposedWarning, match="other computers can reach this simulator at"):
        simulator.start()
    simulator.stop()
    # Users of a configuration's own have passwords of their own.
    with simulate(from_documents(small), host=host):
        pass


def test_a_wrong_configuration_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        simulate(tmp_path)


def test_starting_and_stopping_again(dial: Dial) -> None:
    simulator = simulate()
    for _ in range(2):
        simulator.start()
        simulator.start()
        assert dial(simulator).ask(GetStage()) == [Success(1, 2)]
        certificate, port = Path(simulator.ca_file), simulator.port
        simulator.stop()
        simulator.stop()
        assert not certificate.parent.exists()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    for name in ("url", "ca_file", "port", "fingerprint"):
        with pytest.raises(SimulatorError, match="does not run"):
            getattr(simulator, name)


def test_stopping_leaves_nothing_behind_and_does_not_take_long(dial: Dial) -> None:
    before = set(threading.enumerate())
    with simulate() as simulator:
        wire = dial(simulator)
        wire.connection.send(encode_packets([ClientHello().request(1)]))
        # One that has not shaken hands, and one that reads nothing and never sends a close frame.
        bare = socket.create_connection(("127.0.0.1", simulator.port), timeout=5)
        context = ssl.create_default_context(cafile=simulator.ca_file)
        silent = context.wrap_socket(
            socket.create_connection(("127.0.0.1", simulator.port), timeout=5),
            server_hostname="localhost",
        )
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 15  # 4 s where nothing else runs, and not until a ping
    bare.close()
    silent.close()
    eventually(
        lambda: (
            not any(
                thread.name.startswith("simulator")
                for thread in set(threading.enumerate()) - before
            )
        )
    )


def test_the_private_key_is_not_left_on_disk() -> None:
    with simulate() as simulator:
        folder = Path(simulator.ca_file).parent
        assert [path.name for path in folder.iterdir()] == ["simulator.pem"]


def test_a_port_that_is_taken() -> None:
    with simulate() as first:
        second = simulate(port=first.port)
        with pytest.raises(SimulatorError, match="port 0 for any free one"):
            second.start()
        second.stop()
    with pytest.raises(SimulatorError, match="cannot listen"):
        simulate(host="192.0.2.1").start()


def test_the_configurations_own_port(small: Documents) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        small["config.json"]["httpServer"]["port"] = free.getsockname()[1]
    with simulate(from_documents(small), port=None) as simulator:
        assert simulator.port == small["config.json"]["httpServer"]["port"]


def test_the_configurations_own_certificate(
    small: Documents, write_folder: Callable[[Documents], Path], dial: Dial
) -> None:
    folder = write_folder(small)
    certificate, key = certificates.write_certificate(folder)
    small["security.json"]["TLS"] = {
        "serverCertificate": {"certificatePath": certificate.name, "privateKeyPath": key.name}
    }
    write_folder(small)
    with simulate(folder) as simulator:
        assert simulator.ca_file == str(certificate)
        assert simulator.fingerprint == certificates.fingerprint(certificate)
        dial(simulator, "anna", "secret")
    assert certificate.exists()
    key.write_text("nonsense", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"security.json: TLS.serverCertificate"):
        simulate(folder).start()


def test_connect_fills_in_what_is_known() -> None:
    with simulate() as simulator, mock.patch("xentara_nb.client.connect") as connect:
        simulator.connect()
        simulator.connect(user="viewer")
        simulator.connect(user="zoe", password="x", fingerprint="00")
        simulator.connect(token="t", timeout=3)
        url, fingerprint = simulator.url, simulator.fingerprint
    assert connect.call_args_list == [
        mock.call(url, user="engineer", password=Secret("engineer-demo"), fingerprint=fingerprint),
        mock.call(url, user="viewer", password=Secret("viewer-demo"), fingerprint=fingerprint),
        mock.call(url, user="zoe", password=Secret("x"), fingerprint="00"),
        mock.call(url, token=Secret("t"), timeout=3, fingerprint=fingerprint),
    ]


def test_a_client_that_outlives_it_is_told_so() -> None:
    simulator = simulate()
    with simulator:
        client = simulator.connect()
    with client, pytest.raises(ServerUnreachableError, match="no server answers at 127"):
        client.read("Plant.Line 1.Set point")


def test_names_for_hosts_that_mean_anywhere(small: Documents) -> None:
    with simulate(from_documents(small), host="0.0.0.0") as simulator:
        assert simulator.url == f"wss://127.0.0.1:{simulator.port}/api/ws"


def test_without_the_extra_the_import_says_what_to_install(tmp_path: Path) -> None:
    # In the order of their imports: of those behind the missing one nothing is loaded yet.
    packages = ["cryptography", "passlib", "websockets"]
    program = f"""
        import sys
        for package in {packages}:
            sys.modules[package] = None
            try:
                import xentara_nb.simulator
            except ImportError as error:
                print(error)
            del sys.modules[package]
            for name in [name for name in sys.modules if name.startswith("xentara_nb")]:
                del sys.modules[name]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
    )
    messages = done.stdout.splitlines()
    for package, message in zip(packages, messages, strict=True):
        assert package in message
        assert "pip install 'xentara_nb[simulator]'" in message


def test_a_process_that_ends_without_stopping_says_goodbye(tmp_path: Path) -> None:
    program = """
        import xentara_nb
        simulator = xentara_nb.simulate()
        simulator.start()
        print(simulator.url, simulator.fingerprint, flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        try:
            assert process.stdout is not None
            url, fingerprint = process.stdout.readline().split()
            ended: queue.SimpleQueue[object] = queue.SimpleQueue()
            with xentara_nb.connect(
                url, user="engineer", password="engineer-demo", fingerprint=fingerprint
            ) as client:
                client.on_connection_change(ended.put)
                _, errors = process.communicate("\n", timeout=60)
                assert "closed the connection (code 1001)" in str(ended.get(timeout=10))
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert not list(tmp_path.iterdir())  # the certificate is taken away


def test_the_demo_plant_has_a_policy(tmp_path: Path) -> None:
    set_point = "Plant.Line 1.Set point"
    with simulate() as plant, plant.connect(policy=plant.policy, journal=False) as client:
        for value in (-5, 401, 320):
            with pytest.raises(WriteRefusedError):
                client.write(set_point, value)
        assert plant.writes.empty
        assert client.write(set_point, 195).ok
    demo.write_documents(tmp_path)
    assert simulate(tmp_path, own_certificate=True).policy is None
