"""xentara-nb write and xentara-nb apply, against a simulated plant."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from xentara_nb import read_journal
from xentara_nb.cli import main

ONE, TWO, THREE = (f"Plant.Line {line}.Set point" for line in (1, 2, 3))


@pytest.fixture
def options(plant, journal, log_in):
    return log_in(plant, "engineer")


class FullOutput(io.StringIO):
    """An output that takes no more; that is, the disk is full, or the reader has gone."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch):
    """Return a function that gives the answer to a question."""
    return lambda text: monkeypatch.setattr(sys, "stdin", Terminal(text))


@pytest.fixture
def write_file(tmp_path):
    """Return a function that writes a file of writes."""

    def write(text, name="writes.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def value(plant, key):
    return plant.plant.lookup(key).read(11)


def test_write(plant, options, capsys):
    assert main(["write", *options, ONE, "195", "--yes"]) == 0
    assert value(plant, ONE) == 195.0
    out, err = capsys.readouterr()
    assert "as engineer" in err
    assert out.count(ONE) == 2  # the plan and the report
    assert "VERIFIED" in out
    assert read_journal()["outcome"].tolist() == ["VERIFIED"]


def test_write_is_confirmed(plant, options, answer, capsys):
    for text, sent in (("y\n", 1), ("YES\n", 2), ("n\n", 2), ("\n", 2), ("", 2), ("yep\n", 2)):
        answer(text)
        code = main(["write", *options, ONE, str(100 + sent)])
        assert len(plant.writes) == sent
        assert (code == 0) == text.strip().lower().startswith("y") or text == "yep\n"
    _, err = capsys.readouterr()
    assert "Send this write? [y/N] \nnothing was sent" in err  # where the input has ended


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left on device")])
def test_an_outcome_that_cannot_be_written_is_said(plant, options, error, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", FullOutput(error))
    assert main(["write", *options, ONE, "195", "--yes", "--json"]) == 1
    assert len(plant.writes) == 1
    assert "VERIFIED" in capsys.readouterr().err
    assert main(["write", *options, ONE, "196", "--yes"]) == 1  # its plan cannot be shown
    assert len(plant.writes) == 1


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_nothing_is_sent_where_no_outcome_could_be_seen(plant, options, more, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["write", *options, ONE, "195", "--yes", *more]) == 2
    assert len(plant.writes) == 0


def test_no_one_to_ask(plant, options, monkeypatch, capsys):
    for stdin in (io.StringIO("y\n"), None):  # None where it is closed
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["write", *options, ONE, "1"]) == 2
        assert "send with --yes" in capsys.readouterr().err
    assert len(plant.writes) == 0


def test_a_question_that_no_one_sees_is_not_asked(plant, options, answer, monkeypatch):
    answer("y\n")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)  # as with 2>&-
        assert main(["write", *options, ONE, "1", "--json"]) == 2
    assert len(plant.writes) == 0


def test_a_dry_run(plant, options, capsys):
    assert main(["write", *options, ONE, "1", "--dry-run"]) == 0
    assert main(["write", *options, ONE, "fast", "--dry-run", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert "dry run: nothing was sent" in err
    assert "'fast' is no number" in out
    assert len(plant.writes) == 0


def test_a_value_that_is_there_already(plant, options, write_file, capsys):
    rows = [f"{ONE},{value(plant, ONE)}", f"{TWO},201"]
    path = write_file("primary_key,value\n" + "\n".join(rows))
    assert main(["apply", *options, path, "--dry-run"]) == 0
    first, second = (line for line in capsys.readouterr().out.splitlines() if "Plant." in line)
    assert "no change" in first
    assert "no change" not in second


def test_what_is_refused(plant, options, capsys):
    assert main(["write", *options, ONE, "fast", "--yes"]) == 1
    assert main(["write", *options, "Nothing.here", "1", "--yes"]) == 1
    assert main(["write", *options, ONE, "1", "-a", "quality", "--yes"]) == 1
    assert "nothing was sent: guards refuse" in capsys.readouterr().err
    assert len(plant.writes) == 0


def test_reasons_are_in_options(plant, options, write_file, capsys):
    path = write_file(
        "primary_key,attribute_name,value\nPlant.Line 1.Speed,value,1\nPlant.Line 1.Run,value,0\n"
    )
    for how in ([], ["--json"]):
        assert main(["apply", *options, path, "--dry-run", *how]) == 1
        out = capsys.readouterr().out
        assert "xentara-nb inventory (column access) shows what can be written" in out
        assert "--number-as-boolean takes 0 and 1" in out
        assert "xentara.writable" not in out
        assert "number_as_boolean" not in out
    servers = write_file(f"server,primary_key,value\nnorth,{ONE},1\nsouth,{ONE},2\n")
    assert main(["apply", *options, servers, "--dry-run"]) == 1
    assert capsys.readouterr().err.endswith("leave out the column server\n")


def test_values_in_reasons_stay_as_they_are(plant, options, write_file, capsys):
    with plant.connect() as client:
        inventory = client.inventory()
    texts = inventory[inventory["data_type"].eq("String")].xentara.writable()
    key = texts["primary_key"].iloc[0]
    path = write_file(f"primary_key,value\n{key},see user= x\n{key},b\n")
    for how in ([], ["--json"]):
        assert main(["apply", *options, path, "--dry-run", *how]) == 1
        assert "writes 'see user= x' to the same attribute" in capsys.readouterr().out


def test_read_only(plant, options, monkeypatch, capsys):
    monkeypatch.setenv("XENTARA_READ_ONLY", "1")
    assert main(["write", *options, ONE, "1", "--yes"]) == 1
    assert "XENTARA_READ_ONLY" in capsys.readouterr().out
    assert len(plant.writes) == 0


def test_a_policy(plant, options, write_file, monkeypatch, capsys):
    assert main(["write", *options, ONE, "1", "--dry-run"]) == 0
    assert "as engineer (no policy: no limits were checked):" in capsys.readouterr().err
    policy = write_file('forbidden = ["*.Line 1.*"]', "policy.toml")
    assert main(["write", *options, ONE, "1", "--yes", "--policy", policy]) == 1
    out, err = capsys.readouterr()
    assert f"the policy {policy} forbids to write to {ONE}" in out
    assert "as engineer:" in err
    rows = write_file(f"primary_key,value\n{ONE},1\n{TWO},2\n")
    assert main(["apply", *options, rows, "--yes", "--policy", policy]) == 1
    assert len(plant.writes) == 0
    assert main(["apply", *options, rows, "--yes", "--policy", policy, "--skip-refused"]) == 0
    assert plant.writes["primary_key"].tolist() == [TWO]
    # That of the plant counts as well.
    monkeypatch.setenv("XENTARA_POLICY", write_file('forbidden = ["*.Line 2.*"]', "plant.toml"))
    assert main(["write", *options, TWO, "1", "--yes", "--policy", policy]) == 1
    # A policy with a mistake is not ignored.
    plant.forget()
    policy = write_file("alowed = []", "policy.toml")
    assert main(["write", *options, THREE, "1", "--yes", "--policy", policy]) == 1
    assert f"the policy file {policy}, alowed: there is no such" in capsys.readouterr().err
    assert main(["write", *options, THREE, "1", "--yes", "--policy", "not there"]) == 1
    assert len(plant.requests) == 0


def test_other_attributes_and_values(plant, options):
    assert main(["write", *options, ONE, "5", "-a", "11", "--yes"]) == 0
    assert main(["write", *options, "Data Types.SignedInteger8", "--yes", "--", "-5"]) == 0
    assert value(plant, "Data Types.SignedInteger8") == -5
    assert main(["write", *options, "Data Types.Boolean", "0", "--yes"]) == 1
    assert main(["write", *options, "Data Types.Boolean", "0", "--yes", "--number-as-boolean"]) == 0
    assert main(["write", *options, ONE, "6", "--yes", "--no-verify"]) == 0


def test_what_the_server_rejects(plant, options, capsys):
    plant.faults.refuse_writes(text="not now")
    assert main(["write", *options, ONE, "1", "--yes"]) == 1
    out, _ = capsys.readouterr()
    assert "REJECTED" in out
    assert "not now (-32109)" in out


def test_a_device_that_does_not_follow(plant, options, capsys):
    plant.faults.no_follow(ONE)
    assert main(["write", *options, ONE, "99", "--yes", "--verify-within", "0.05"]) == 1
    assert "DIFFERS" in capsys.readouterr().out
    assert main(["write", *options, ONE, "99", "--yes", "--tolerance", "1000"]) == 0


def test_without_a_journal(options, journal, tmp_path):
    assert main(["write", *options, ONE, "1", "--yes", "--journal", "off"]) == 0
    assert not journal.exists()
    other = tmp_path / "other.jsonl"
    assert main(["write", *options, ONE, "2", "--yes", "--journal", str(other)]) == 0
    assert read_journal(other)["value"].tolist() == [2.0]


def test_a_sub_session(plant, options, tmp_path, monkeypatch, answer, capsys):
    secret = tmp_path / "password"
    secret.write_text("operator-demo\n")
    session = ["--session-user", "operator"]
    arguments = [*session, "--session-password-file", str(secret)]
    assert main(["write", *options, ONE, "3", "--yes", *arguments]) == 0
    answer("")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "operator-demo")
    assert main(["write", *options, ONE, "4", "--yes", *session]) == 0
    assert plant.writes["session_user"].tolist() == ["operator", "operator"]
    assert "with a sub-session of operator" in capsys.readouterr().err
    assert plant.requests["command"].tolist().count("close_sub_session") == 2
    plant.forget()
    monkeypatch.setattr("getpass.getpass", lambda prompt: "wrong")
    assert main(["write", *options, ONE, "4", "--yes", *session]) == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["write", *options, ONE, "4", "--yes", *session]) == 2
    assert main(["write", *options, ONE, "4", "--yes", *arguments[2:]]) == 2
    secret.write_text("")
    assert main(["write", *options, ONE, "4", "--yes", *arguments]) == 2
    secret.unlink()
    assert main(["write", *options, ONE, "4", "--yes", *arguments]) == 2
    assert len(plant.writes) == 0
    assert "operator-demo" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("again", [False, True])
def test_interrupted(plant, options, write_file, monkeypatch, capsys, again):
    """Also where it is interrupted once more while it says what became of it."""
    from xentara_nb.cli import writing
    from xentara_nb.writes import records

    note, table, noted = records.note, writing.table, []

    def interrupt(journal, results):
        note(journal, results)
        noted.append(results)
        if len(noted) == 1:
            raise KeyboardInterrupt

    def once_more(frame):
        if noted:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.raise_signal(number)
        return table(frame)

    monkeypatch.setattr(records, "note", interrupt)
    if again:
        monkeypatch.setattr(writing, "table", once_more)
    path = write_file(f"primary_key,value\n{ONE},1\n{TWO},2\n")
    assert main(["apply", *options, path, "--yes"]) == 130
    out, err = capsys.readouterr()
    assert "interrupted\nthe table says what was sent, and what became of it; xentara-nb" in err
    assert out.count("VERIFIED") == 1
    assert out.count("SKIPPED") == 1


def test_interrupted_before_anything_was_sent(plant, options, monkeypatch, capsys):
    from xentara_nb.writes import plan

    def refuse_changes(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plan, "refuse_changes", refuse_changes)
    assert main(["write", *options, ONE, "1", "--yes"]) == 130
    assert capsys.readouterr().err.endswith("interrupted\nnothing was sent\n")
    assert len(plant.writes) == 0


# Files.


def test_apply(plant, options, write_file, capsys):
    path = write_file(
        f"primary_key,value,attribute_name\n{ONE},101,value\n{TWO},102,\nPlant.Line 1.Run,false,\n"
    )
    assert main(["apply", *options, path, "--dry-run"]) == 0
    assert len(plant.writes) == 0
    assert main(["apply", *options, path, "--yes"]) == 0
    assert [value(plant, key) for key in (ONE, TWO, "Plant.Line 1.Run")] == [101.0, 102.0, False]
    assert capsys.readouterr().out.count("VERIFIED") == 3


def test_apply_with_a_refused_row(plant, options, write_file, capsys):
    path = write_file(f"primary_key,value\n{ONE},fast\n{TWO},7\n")
    assert main(["apply", *options, path, "--yes"]) == 1
    assert len(plant.writes) == 0
    assert main(["apply", *options, path, "--yes", "--skip-refused"]) == 0
    assert value(plant, TWO) == 7.0
    assert "SKIPPED" in capsys.readouterr().out


def test_what_is_confirmed_is_what_is_sent(plant, options, write_file, answer, capsys):
    path = write_file(f"primary_key,value\n{ONE},fast\n{TWO},7\n{THREE},8\n")
    answer("y\n")
    assert main(["apply", *options, path, "--skip-refused"]) == 0
    assert "Send these 2 writes? [y/N]" in capsys.readouterr().err
    path = write_file(f"primary_key,value\n{ONE},fast\n{TWO},7\n")
    answer("n\n")
    assert main(["apply", *options, path, "--skip-refused"]) == 1
    assert "Send this write? [y/N]" in capsys.readouterr().err
    # Where nothing can be sent, nothing is asked.
    for text, code in ((f"primary_key,value\n{ONE},fast\n", 1), ("primary_key,value\n", 0)):
        assert main(["apply", *options, write_file(text), "--skip-refused"]) == code
        assert "there is nothing to send" in capsys.readouterr().err
    assert len(plant.writes) == 2


def test_apply_stops_or_goes_on(plant, options, write_file):
    plant.faults.refuse_writes(keys=ONE)
    path = write_file(f"primary_key,value\n{ONE},1\n{TWO},8\n")
    assert main(["apply", *options, path, "--yes"]) == 1
    assert len(plant.writes) == 1
    assert main(["apply", *options, path, "--yes", "--on-error", "continue"]) == 1
    assert value(plant, TWO) == 8.0


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet", ".xlsx"])
def test_an_inventory_with_values(plant, options, tmp_path, ending):
    with plant.connect() as client:
        rows = client.meta_data([ONE, TWO]).xentara.writable()
    path = tmp_path / f"writes{ending}"
    rows.assign(value=["11", "12"]).xentara.to_file(path)
    assert main(["apply", *options, str(path), "--yes"]) == 0
    assert [value(plant, key) for key in (ONE, TWO)] == [11.0, 12.0]


def test_what_a_spreadsheet_makes_of_it(plant, options, tmp_path):
    path = tmp_path / "writes.csv"
    text = f"\ufeffprimary_key;attribute_id;value\r\n{ONE};11;13\r\n\r\n{TWO};;'-14\r\n"
    path.write_bytes(text.encode())
    assert main(["apply", *options, str(path), "--yes"]) == 0
    assert [value(plant, key) for key in (ONE, TWO)] == [13.0, -14.0]


def test_an_empty_cell_is_no_value(plant, options, write_file, capsys):
    path = write_file("primary_key,value\nPlant.Line 1.Recipe,\n")
    assert main(["apply", *options, path, "--yes"]) == 1
    assert "there is no value to write" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty: its first line names the columns, primary_key and value"),
        ("key,value\na,1\n", "has no columns"),
        ("primary_key\na\n", "has no columns"),
        ("primary_key,value\na\n", "line 2: 1 cells under 2 columns"),
        ('primary_key,value\n"a\n', "line 2: this is not CSV"),
    ],
)
def test_files_that_are_none(plant, options, write_file, capsys, text, message):
    assert main(["apply", *options, write_file(text), "--yes"]) == 2
    assert message in capsys.readouterr().err
    assert len(plant.requests) == 0  # not even connected


def test_files_that_cannot_be_read(plant, options, tmp_path, capsys):
    (tmp_path / "latin.csv").write_bytes(b"primary_key,value\nM\xfchle,1\n")
    (tmp_path / "writes.txt").touch()
    for name, message in (
        ("none.csv", "none.csv cannot be read: No such file"),
        ("latin.csv", "line 2: this is not UTF-8"),
        ("writes.txt", ".csv, .json, .parquet or .xlsx"),
    ):
        assert main(["apply", *options, str(tmp_path / name), "--yes"]) == 2
        assert message in capsys.readouterr().err
    assert len(plant.requests) == 0


def test_a_value_is_for_one_attribute(options, capsys):
    given = ["-a", "value", "--attributes", "units"]
    assert main(["write", *options, "Plant.Line 1.Set point", "195", *given, "--yes"]) == 2
    assert "give --attributes once" in capsys.readouterr().err
